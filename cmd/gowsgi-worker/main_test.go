package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
)

// deadline is for what should happen at once.
const deadline = 30 * time.Second

// asWorker makes the test binary the program.
const asWorker = "GOWSGI_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		os.Unsetenv(asWorker)
		os.Exit(run(inherit()))
	}
	os.Exit(m.Run())
}

// process is a worker that serves on a socket of the test's.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	control *os.File // gowsgi's end
	socket  *net.TCPListener
}

// started starts a worker and waits until it is ready.
func started(t *testing.T) *process {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	python := os.Getenv("GOWSGI_TEST_PYTHON")
	if python == "" {
		python, _ = exec.LookPath("python3")
	}
	folder := t.TempDir()
	must(os.WriteFile(filepath.Join(folder, "site.wsgi"), []byte(
		"def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'here']\n"), 0o600))
	socket, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(err)
	t.Cleanup(func() { socket.Close() })
	inherited, err := socket.File()
	must(err)
	defer inherited.Close()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(err)
	ours, theirs := os.NewFile(uintptr(ends[0]), "ours"), os.NewFile(uintptr(ends[1]), "theirs")
	defer theirs.Close()

	p := &process{t: t, cmd: exec.Command(os.Args[0]), control: ours, socket: socket}
	p.cmd.Dir, p.cmd.Stderr = folder, os.Stderr
	p.cmd.Env = append(os.Environ(), asWorker+"=1", "GORACE=atexit_sleep_ms=0") // a second for each worker otherwise
	p.cmd.ExtraFiles = []*os.File{theirs, inherited}                            // control.FD and the one after
	must(p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // if the test has failed
		_ = p.cmd.Wait()
		ours.Close()
	})
	plan := control.Plan{
		Settings: config.Defaults(), Worker: 1, Python: control.Python{Executable: python},
		Listeners: []control.Listener{{FD: control.FD + 1, Network: "tcp", Address: socket.Addr().String()}},
	}
	plan.Settings.Target = "site.wsgi"
	p.tell(plan)
	var report control.Report
	must(json.NewDecoder(ours).Decode(&report))
	if report.Kind != control.Ready {
		t.Fatalf("the worker says %+v", report)
	}
	p.tell(control.Order{Kind: control.Serve})
	return p
}

func (p *process) tell(value any) {
	p.t.Helper()
	if err := json.NewEncoder(p.control).Encode(value); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for the end. With which status does not matter: after SIGQUIT it
// depends on how fast Python is gone.
func (p *process) ends() {
	p.t.Helper()
	late := time.AfterFunc(deadline, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	if _ = p.cmd.Wait(); !p.cmd.ProcessState.Exited() {
		p.t.Errorf("the worker: %v", p.cmd.ProcessState)
	}
}

// Other workers, and the gowsgi before and after an upgrade, serve on the same
// sockets: only a worker that is told that it is the last may shut them down.
func TestSocketsOutliveAWorkerThatIsNotTheLast(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(p *process)
		stays bool
	}{
		"drain":      {func(p *process) { p.tell(control.Order{Kind: control.Drain, Grace: deadline}) }, true},
		"last drain": {func(p *process) { p.tell(control.Order{Kind: control.Drain, Grace: deadline, Last: true}) }, false},
		"SIGTERM":    {func(p *process) { p.signal(syscall.SIGTERM) }, true},
		"SIGQUIT":    {func(p *process) { p.signal(syscall.SIGQUIT) }, true},
		"without us": {func(p *process) { p.control.Close() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := started(t)
			client := http.Client{Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true}}
			response, err := client.Get("http://" + p.socket.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if string(body) != "here" || err != nil {
				t.Errorf("it answers %q, %v", body, err)
			}
			c.end(p)
			p.ends()
			conn, err := net.DialTimeout("tcp", p.socket.Addr().String(), deadline)
			if err == nil {
				conn.Close()
			}
			if (err == nil) != c.stays {
				t.Errorf("connecting to the socket afterwards: %v", err)
			}
		})
	}
}
