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
	"syscall"
	"time"
)

// Client speaks to one gowsgi.
type Client struct {
	path string
	http http.Client
}

// NewClient makes a client of the gowsgi whose socket is at path.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: http.Client{Transport: &http.Transport{DialContext: dial, ResponseHeaderTimeout: 0}}}
}

// dialPatience is how long a gowsgi may take to accept.
const dialPatience = 2 * time.Second

// longestAnswer is what is read of an answer.
const longestAnswer = 64 << 20

// Ask has value filled in with the answer to method path. The error is one
// sentence.
func (c *Client) Ask(ctx context.Context, method, path string, query url.Values, value any) error {
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
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("no gowsgi runs here: there is no socket %s", c.path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("the gowsgi of %s is dead: remove the socket, or start gowsgi again", c.path)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the socket %s is another user's: ask as that user, or as root", c.path)
	case errors.As(err, &number):
		return fmt.Errorf("the gowsgi of %s cannot be reached: %w", c.path, number)
	default:
		return fmt.Errorf("the gowsgi of %s did not answer: it has just ended, or it is no gowsgi", c.path)
	}
}

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
	var found []candidate
	for _, c := range candidates(ctx) {
		if name == "" || c.state.Name == name || c.state.Target == name || strconv.Itoa(c.state.PID) == name {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0].client, nil
	case len(found) > 1:
		var names []string
		for _, c := range found {
			names = append(names, fmt.Sprintf("%s (%d)", c.state.Name, c.state.PID))
		}
		slices.Sort(names)
		return nil, fmt.Errorf("which one: %s? Give a name or the process id", strings.Join(names, ", "))
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

// candidate is a gowsgi that answers.
type candidate struct {
	client *Client
	state  State
}

// candidates are those of this user, and takes away the sockets of dead ones.
func candidates(ctx context.Context) []candidate {
	ctx, cancel := context.WithTimeout(ctx, 2*dialPatience)
	defer cancel()
	var found []candidate
	seen := map[int]bool{}
	for _, folder := range folders() {
		if !isPrivate(folder) { // what is there may be anybody's
			continue
		}
		paths, _ := filepath.Glob(filepath.Join(folder, "*"+suffix))
		for _, path := range paths {
			c := candidate{client: NewClient(path)}
			err := c.client.Ask(ctx, http.MethodGet, "/status", nil, &c.state)
			c.client.http.CloseIdleConnections() // most are not asked again
			if err == nil && !seen[c.state.PID] {
				seen[c.state.PID] = true
				found = append(found, c)
			} else if err != nil && isDead(path) {
				_ = os.Remove(path)
			}
		}
	}
	return found
}

// isDead tells whether nobody listens on a socket any more.
func isDead(path string) bool {
	conn, err := net.DialTimeout("unix", path, dialPatience)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
