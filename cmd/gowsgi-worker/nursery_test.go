package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/load"
	"github.com/gowsgi/gowsgi/internal/nursery"
)

// cradle is a nursery of the test's.
type cradle struct {
	t        *testing.T
	socket   *nursery.Socket
	messages chan nursery.Message
	cmd      *exec.Cmd
}

// startNursery starts this program as a nursery; its constructor runs before Go
// does, so TestMain never sees it, but it sees the workers.
func startNursery(t *testing.T, code string, more ...string) *cradle {
	t.Helper()
	if !nursery.Supported {
		t.Skip("there are no nurseries here")
	}
	if err := nursery.Adopt(); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "loaded_once.py"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, theirs, err := nursery.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	n := &cradle{t: t, socket: socket, messages: make(chan nursery.Message, 16), cmd: exec.Command(os.Args[0])}
	n.cmd.Args = []string{"gowsgi: nursery [test]", nursery.Flag}
	n.cmd.Dir, n.cmd.Stdout, n.cmd.Stderr = folder, os.Stdout, os.Stderr
	n.cmd.Env = append(os.Environ(), asWorker+"=1", "GORACE=atexit_sleep_ms=0")
	n.cmd.Env = append(n.cmd.Env, more...)
	n.cmd.ExtraFiles = []*os.File{theirs}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		socket.Messages(func(m nursery.Message) { n.messages <- m })
		close(n.messages)
	}()
	t.Cleanup(func() {
		_ = n.cmd.Process.Kill()
		_ = n.cmd.Wait()
		_ = socket.Close()
	})
	if err := socket.Begin(nursery.Plan{Executable: testPython(), Targets: []load.Target{{Spec: "loaded_once"}}, Path: []string{folder}}); err != nil {
		t.Fatal(err)
	}
	return n
}

func testPython() string {
	if python := os.Getenv("GOWSGI_TEST_PYTHON"); python != "" {
		return python
	}
	python, _ := exec.LookPath("python3")
	return python
}

// said is the next message but records.
func (n *cradle) said() nursery.Message {
	n.t.Helper()
	for {
		select {
		case m, ok := <-n.messages:
			if _, record := m.(*nursery.Said); record {
				continue
			}
			if !ok {
				n.t.Fatal("the nursery has ended")
			}
			return m
		case <-time.After(deadline):
			n.t.Fatal("the nursery says nothing")
		}
	}
}

// fork orders a worker and returns it when it serves.
func (n *cradle) fork(listener *net.TCPListener) *process {
	n.t.Helper()
	must := func(err error) {
		n.t.Helper()
		if err != nil {
			n.t.Fatal(err)
		}
	}
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(err)
	ours, theirs := os.NewFile(uintptr(ends[0]), "ours"), os.NewFile(uintptr(ends[1]), "theirs")
	n.t.Cleanup(func() { ours.Close() })
	inherited, err := listener.File()
	must(err)
	must(n.socket.Order("gowsgi: worker 1 [test]", theirs, inherited, os.Stdout, os.Stderr))
	theirs.Close()
	inherited.Close()
	forked, ok := n.said().(*nursery.Forked)
	if !ok || forked.PID == 0 {
		n.t.Fatalf("%+v", forked)
	}
	child, err := forked.Process(n.cmd.Process.Pid)
	must(err)
	p := &process{t: n.t, cmd: &exec.Cmd{Process: child}, control: ours, socket: listener}
	n.t.Cleanup(func() { _ = child.Kill() })
	plan := control.Plan{
		Settings: config.Defaults(), Worker: 1, Python: control.Python{Executable: testPython()},
		Listeners: []control.Listener{{FD: control.FD + 1, Network: "tcp", Address: listener.Addr().String()}},
	}
	plan.Settings.Target = "loaded_once"
	p.tell(plan)
	var report control.Report
	must(json.NewDecoder(ours).Decode(&report))
	if report.Kind != control.Ready {
		n.t.Fatalf("the worker says %+v", report)
	}
	p.tell(control.Order{Kind: control.Serve})
	return p
}

// One after the other, each of them serves, answers with what was loaded before it
// was there, and ends as this process's child.
func TestWorkersAreForkedFromANursery(t *testing.T) {
	n := startNursery(t, `import os
LOADER = os.getpid()
def application(environ, start_response):
    start_response('200 OK', [])
    return [b'%d %d' % (LOADER, os.getpid() != LOADER)]
`)
	if loaded, ok := n.said().(*nursery.Loaded); !ok || len(loaded.Threads) > 0 || loaded.Native > 0 {
		t.Fatalf("%+v", loaded)
	}
	n.socket.Ask() // too late: it is no order
	want := strconv.Itoa(n.cmd.Process.Pid) + " 1"
	for range 5 {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		p := n.fork(listener)
		client := http.Client{Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Get("http://" + listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(body) != want {
			t.Errorf("%q, want %q", body, want)
		}
		p.tell(control.Order{Kind: control.Drain, Grace: deadline, Last: true})
		state, err := p.cmd.Process.Wait()
		if err != nil || !state.Exited() || state.ExitCode() != 0 {
			t.Errorf("the worker's end: %v, %v", state, err)
		}
		listener.Close()
	}
}

func TestANurserySaysWhyItCannotLoad(t *testing.T) {
	n := startNursery(t, "raise ValueError('on purpose')\n")
	failed, ok := n.said().(*nursery.Failed)
	if !ok || failed.Message != "importing loaded_once raised ValueError: on purpose" ||
		failed.Traceback != "Traceback (most recent call last):\n  File \""+filepath.Join(n.cmd.Dir, "loaded_once.py")+"\", line 1, in <module>\n"+
			"    raise ValueError('on purpose')\nValueError: on purpose\n" {
		t.Errorf("%+v", failed)
	}
}

func TestANurseryEndsWithGowsgi(t *testing.T) {
	n := startNursery(t, "def application(environ, start_response): pass\n")
	n.said()
	n.socket.Close()
	state, err := n.cmd.Process.Wait()
	if err != nil || state.ExitCode() != 0 {
		t.Errorf("%v, %v", state, err)
	}
}

// A child that the application forks while it is loaded is none of ours.
func TestAChildThatReturnsToTheNurseryEnds(t *testing.T) {
	n := startNursery(t, `import os
pid = os.fork()
if pid:
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
def application(environ, start_response): pass
`)
	if m, ok := n.said().(*nursery.Loaded); !ok {
		t.Errorf("%+v", m)
	}
}

// No descriptors are left for what is sent: the nursery says so, and goes on.
func TestANurseryWithoutDescriptorsGoesOn(t *testing.T) {
	n := startNursery(t, `import os, resource
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(10)]
resource.setrlimit(resource.RLIMIT_NOFILE, (max(held) + 2, max(held) + 2))
def application(environ, start_response): pass
`)
	n.said()
	if err := n.socket.Order("gowsgi: worker 1 [test]", os.Stdin, os.Stdout, os.Stderr); err != nil {
		t.Fatal(err)
	}
	if forked, ok := n.said().(*nursery.Forked); !ok || !errors.Is(forked.Err, syscall.EMFILE) {
		t.Errorf("%+v", forked)
	}
	if err := n.cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Error(err)
	}
}
