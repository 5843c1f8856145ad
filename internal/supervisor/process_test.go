package supervisor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
)

// deadline is for what should happen at once.
const deadline = 20 * time.Second

// process is a supervisor that runs.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	log    output
	exited chan struct{}
}

// output is what a process wrote so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// settings are those of a supervisor with these workers, on a free port.
func settings(workers int, env ...string) config.Settings {
	return config.Settings{
		Target: "x:app", Bind: []string{"127.0.0.1:0"}, Backlog: 64, Workers: workers, Threads: 8,
		GracefulTimeout: deadline, Env: env,
	}
}

func start(t *testing.T, s config.Settings) *process {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(os.Args[0]), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), runSettings+"="+string(text),
		"GORACE=atexit_sleep_ms=0") // a second for each process otherwise
	p.cmd.Stderr = &p.log
	p.cmd.WaitDelay = time.Second
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.exited
		if t.Failed() {
			t.Logf("log:\n%s", p.log.String())
		}
	})
	return p
}

// started starts a supervisor and waits until it is ready.
func started(t *testing.T, s config.Settings) *process {
	t.Helper()
	p := start(t, s)
	p.waitLog("event=gowsgi.ready ")
	return p
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the end and returns the exit status.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(deadline):
		p.t.Fatal("the supervisor does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// stops waits for an end with status 0.
func (p *process) stops() {
	p.t.Helper()
	if status := p.wait(); status != 0 {
		p.t.Errorf("exit status %d", status)
	}
}

// fails waits for an end with status 1 and a last line that says all of it.
func (p *process) fails(says ...string) {
	p.t.Helper()
	if status := p.wait(); status != 1 {
		p.t.Errorf("exit status %d, want 1", status)
	}
	lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
	last := lines[len(lines)-1]
	for _, want := range append(says, "gowsgi: ") {
		if !strings.Contains(last, want) {
			p.t.Errorf("last line %q does not say %q", last, want)
		}
	}
}

func (p *process) waitLog(text string) {
	p.t.Helper()
	p.waitLogs(text, 1)
}

// waitLogs waits until the log has text n times.
func (p *process) waitLogs(text string, n int) {
	p.t.Helper()
	p.eventually(fmt.Sprintf("log has %q %d times", text, n), func() bool {
		return strings.Count(p.log.String(), text) >= n
	})
}

func (p *process) eventually(what string, holds func() bool) {
	p.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	expired := time.After(deadline)
	for !holds() {
		select {
		case <-tick.C:
		case <-expired:
			p.t.Fatalf("not within %v: %s", deadline, what)
		}
	}
}

// address is the nth that the log shows.
func (p *process) address(n int) string {
	p.t.Helper()
	p.waitLogs("event=listener.open", n)
	parts := strings.Split(p.log.String(), "event=listener.open address=")
	address, _, _ := strings.Cut(parts[n], "\n")
	return strings.TrimPrefix(address, "http://")
}

// get is a request on a connection of its own to the first address.
func (p *process) get(path string) (*http.Response, error) {
	p.t.Helper()
	return get(p.address(1), path)
}

func get(address, path string) (*http.Response, error) {
	network := "tcp"
	if socket, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", socket
	}
	client := http.Client{Timeout: deadline, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}}
	return client.Get("http://localhost" + path)
}

// seen asks a worker what it sees. One that is going may break the connection
// off, since the workers of these tests do not drain as real ones do: then the
// next one is asked.
func (p *process) seen(address string) (s seen) {
	p.t.Helper()
	p.eventually("a worker answers", func() bool {
		var err error
		s, err = ask(address)
		return err == nil
	})
	return s
}

func ask(address string) (s seen, err error) {
	response, err := get(address, "/seen")
	if err != nil {
		return s, err
	}
	defer response.Body.Close()
	err = json.NewDecoder(response.Body).Decode(&s)
	return s, err
}

// begin starts a request that ends when its worker is told to stop. It returns
// that worker's process id, and a channel that gets the rest of the answer.
func (p *process) begin() (pid int, rest <-chan string) {
	p.t.Helper()
	response, err := p.get("/wait")
	if err != nil {
		p.t.Fatal(err)
	}
	body := bufio.NewReader(response.Body)
	line, err := body.ReadString('\n')
	if err == nil {
		pid, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		p.t.Fatal(err)
	}
	answer := make(chan string, 1)
	go func() {
		defer response.Body.Close()
		text, err := io.ReadAll(body)
		if err != nil {
			text = []byte(err.Error())
		}
		answer <- string(text)
	}()
	return pid, answer
}
