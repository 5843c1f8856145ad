package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Client speaks to one gowsgi.
type Client struct {
	path     string
	http     http.Client
	patience time.Duration // answerPatience
}

// NewClient makes a client of the gowsgi whose socket is at path.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: http.Client{Transport: &http.Transport{DialContext: dial}}, patience: answerPatience}
}

const (
	// dialPatience is how long a gowsgi may take to accept, and to say who it is.
	dialPatience = 2 * time.Second
	// answerPatience is how long it may take to answer a question: longer than it
	// waits for its workers.
	answerPatience = 15 * time.Second
)

// longestAnswer is what is read of an answer.
const longestAnswer = 64 << 20

// Ask has value filled in with the answer to method path. The error is one
// sentence. An order may take as long as it takes, if somebody is there.
func (c *Client) Ask(ctx context.Context, method, path string, query url.Values, value any) error {
	if method == http.MethodGet {
		limited, cancel := context.WithTimeout(ctx, c.patience)
		defer cancel()
		return c.ask(limited, method, path, query, value)
	}
	if err := c.Ask(ctx, http.MethodGet, "/", nil, new(any)); err != nil {
		return err
	}
	return c.ask(ctx, method, path, query, value)
}

// Leave ends the connection, if there is one: the next question makes another.
func (c *Client) Leave() { c.http.CloseIdleConnections() }

func (c *Client) ask(ctx context.Context, method, path string, query url.Values, value any) error {
	to := url.URL{Scheme: "http", Host: "gowsgi", Path: path, RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, method, to.String(), nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.unreachable(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return c.unreachable(err)
	}
	if response.StatusCode != http.StatusOK {
		var said problem
		if json.Unmarshal(text, &said) != nil || said.Error == "" {
			return fmt.Errorf("whoever listens at %s is no gowsgi", c.path)
		}
		return Refusal(said.Error)
	}
	if json.Unmarshal(text, value) != nil {
		return fmt.Errorf("whoever listens at %s is no gowsgi", c.path)
	}
	return nil
}

// unreachable says why there was no answer.
func (c *Client) unreachable(err error) error {
	var number syscall.Errno
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the gowsgi of %s %w", c.path, errSilent)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("no gowsgi runs here: there is no socket %s", c.path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("the gowsgi of %s is dead: remove the socket, or start gowsgi again", c.path)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the socket %s is another user's: ask as that user, or as root", c.path)
	case errors.As(err, &number) && number != syscall.EPIPE && number != syscall.ECONNRESET:
		return fmt.Errorf("the gowsgi of %s cannot be reached: %w", c.path, number)
	default:
		return fmt.Errorf("the gowsgi of %s did not answer: it has just ended, or too many ask it at once, or it is no gowsgi", c.path)
	}
}

// errSilent: somebody is there, and says nothing.
var errSilent = errors.New("does not answer: is it stopped?")

// Find returns a client of the gowsgi that is meant: that of a socket's address
// unix:PATH, that of a pid file, the one of a name or process id, or the only one
// there is. All but one are empty. The error is one sentence.
func Find(ctx context.Context, address, pidFile, name string) (*Client, error) {
	switch {
	case address != "":
		return NewClient(unixPath(address)), nil
	case pidFile != "":
		return findByPid(pidFile)
	}
	var found, silent []candidate
	for _, c := range candidates(ctx) {
		switch {
		case c.err != nil: // it may be the one that is meant
			silent = append(silent, c)
		case name == "" || c.state.Name == name || c.state.Target == name || strconv.Itoa(c.state.PID) == name:
			found = append(found, c)
		}
	}
	switch {
	case name == "" && len(found) == 0 && len(silent) > 0:
		return nil, silent[0].err
	case len(found) == 1 && (name != "" || len(silent) == 0):
		return found[0].client, nil
	case len(found) > 0:
		var names []string
		for _, c := range found {
			names = append(names, fmt.Sprintf("%s (%d)", c.state.Name, c.state.PID))
		}
		if name == "" {
			for _, c := range silent {
				names = append(names, fmt.Sprintf("the one of %s, which does not answer", c.client.path))
			}
		}
		slices.Sort(names)
		return nil, fmt.Errorf("which one: %s? Say so with --name and its name or process id", strings.Join(names, ", "))
	case name != "" && len(silent) > 0:
		return nil, fmt.Errorf("no gowsgi of yours that answers is called %q, and %w", name, silent[0].err)
	case name != "":
		return nil, fmt.Errorf("no gowsgi of yours is called %q: gowsgi status without a name shows the only one, and --pid FILE or --control unix:PATH name one that is elsewhere", name)
	default:
		return nil, errors.New("no gowsgi of yours runs here: --pid FILE or --control unix:PATH name one that is another user's or elsewhere")
	}
}

func findByPid(pidFile string) (*Client, error) {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return nil, fmt.Errorf("no gowsgi runs here: the pid file %s cannot be read: %w", pidFile, reason(err))
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 1 {
		return nil, fmt.Errorf("%s is no pid file: it holds no number", pidFile)
	}
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return nil, fmt.Errorf("the gowsgi of %s is dead: there is no process %d", pidFile, pid)
	}
	// A link to the file says nothing of where the socket is.
	if whole, err := filepath.EvalSymlinks(pidFile); err == nil {
		pidFile = whole
	}
	paths := []string{besidePid(pidFile)}
	for _, folder := range folders() {
		paths = append(paths, filepath.Join(folder, strconv.Itoa(pid)+suffix))
	}
	for _, path := range paths {
		if _, err := os.Lstat(path); err == nil {
			return NewClient(path), nil
		}
	}
	return nil, fmt.Errorf("process %d of %s has no control socket at %s: name it with --control unix:PATH", pid, pidFile, paths[0])
}

// candidate is a gowsgi that answers, or err says that it does not.
type candidate struct {
	client *Client
	state  State
	err    error
}

// candidates are those of this user, and takes away the sockets of dead ones.
// They are asked at the same time: one that does not answer keeps nobody from
// hearing of the others.
func candidates(ctx context.Context) []candidate {
	var mu sync.Mutex
	var asked sync.WaitGroup
	var all []candidate
	for _, path := range places() {
		asked.Go(func() {
			c := candidate{client: NewClient(path)}
			c.client.patience = 2 * dialPatience
			c.err = c.client.Ask(ctx, http.MethodGet, "/status", nil, &c.state)
			c.client.Leave() // most are not asked again
			c.client.patience = answerPatience
			switch {
			case c.err == nil, errors.Is(c.err, errSilent):
				mu.Lock()
				defer mu.Unlock()
				all = append(all, c)
			case isDead(path):
				_ = os.Remove(path)
			}
		})
	}
	asked.Wait()
	slices.SortFunc(all, func(a, b candidate) int { return strings.Compare(a.client.path, b.client.path) })
	var found []candidate
	seen := map[int]bool{}
	for _, c := range all {
		if c.err != nil || !seen[c.state.PID] {
			found = append(found, c)
		}
		seen[c.state.PID] = true
	}
	return found
}

// places are the sockets in this user's folders.
func places() []string {
	var places []string
	for _, folder := range folders() {
		if !isPrivate(folder) { // what is there may be anybody's
			continue
		}
		paths, _ := filepath.Glob(filepath.Join(folder, "*"+suffix))
		for _, path := range paths {
			if !slices.Contains(places, path) {
				places = append(places, path)
			}
		}
	}
	return places
}

// isDead tells whether nobody listens on a socket any more.
func isDead(path string) bool {
	conn, err := net.DialTimeout("unix", path, dialPatience)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
