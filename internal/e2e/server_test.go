package e2e

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/console"
)

const (
	// Deadline for anything that should happen at once; generous, because CI is
	// slow and only a failing test ever waits that long.
	deadline = 30 * time.Second
	// Importing a framework whose bytecode is not cached takes its time.
	startDeadline = 2 * time.Minute
	// A graceful stop: longer than gowsgi's own --graceful-timeout, so that its
	// own end of patience is what the log shows.
	stopDeadline = 60 * time.Second
)

// readyLog is what the log says once the program serves.
var readyLog = regexp.MustCompile(`\bevent"?[=:]"?([a-z]+\.)?ready\b`)

// listenLog is where the log says that the program listens.
var listenLog = regexp.MustCompile(`event=listener\.open address=https?://(\S+)`)

// crashLog is what no log may ever show: a Go panic, a signal from the kernel, the
// report of a crash.
var crashLog = regexp.MustCompile(`(?m)^panic: |^fatal error: |^SIG(SEGV|BUS|ABRT|ILL|FPE): |^goroutine \d+ \[|^ *gowsgi: crash: |Fatal Python error`)

// Options say how to start the program. Only Target is needed.
type Options struct {
	Target  string
	Args    []string // before the target; a Mode's Args go here
	Env     []string // NAME=value, on top of a cleaned environment
	Program string   // in place of gowsgi: a bundle, which has a Python and a target of its own
	Dir     string   // folder the program runs in; default testapps/
	Venv    string   // virtualenv; default one without packages
	Unix    bool     // bind to a unix socket instead of 127.0.0.1
	Addr    string   // host:port or path that Args bind to themselves
	// Outlived: another program that it starts goes on writing the log.
	Outlived bool
	Cut      bool // clients come through a proxy that cuts what they send (a Mode's)
	Free     bool // do not bind: Env or Args do
	// Wrap changes the command, to have another program start it.
	Wrap func(*exec.Cmd)
}

// Server is the program under test while it runs.
type Server struct {
	URL  string // http://127.0.0.1:port, or http://localhost behind a unix socket
	Addr string // 127.0.0.1:port, or the socket's path

	network  string
	secure   *tls.Config   // what clients speak TLS with; nil: plain text
	cutting  *cuttingProxy // nil: none
	http2    bool          // clients speak it
	cmd      *exec.Cmd
	log, out *log
	exited   chan struct{} // closed once the program is gone and status is set
	status   error         // what Wait returned
	stopped  bool
}

// Start runs the program and returns when it is ready to serve. The program is
// stopped when the test ends, and what Stop checks is checked then.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := launch(t, o)
	t.Cleanup(func() {
		if !s.stopped {
			s.Stop(t)
		}
		if log := s.Log(); t.Failed() {
			t.Logf("end of the log of %s:\n%s", o.Target, log[max(0, len(log)-20_000):])
		}
	})
	s.waitReady(t)
	return s
}

// launch starts the program and does not wait for anything.
func launch(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = Testapps()
	}
	if o.Venv == "" && o.Program == "" {
		o.Venv = PlainVenv(t)
	}
	s := &Server{network: "tcp", log: newLog(), out: newLog(), exited: make(chan struct{})}
	bind := ""
	if o.Free {
		o.Args = append(o.venv(), o.Args...)
	} else if o.Unix {
		s.network, s.Addr = "unix", filepath.Join(shortFolder(t), "s")
		s.URL, bind = "http://localhost", "unix:"+s.Addr
	} else {
		s.Addr = freeAddr(t)
		s.URL, bind = "http://"+s.Addr, s.Addr
	}
	args := o.Args
	if bind != "" && o.Addr == "" {
		args = append([]string{"-b", bind}, args...)
	}
	if !o.Free {
		args = append(o.venv(), args...)
	}
	if o.Addr != "" {
		s.Addr, s.URL = o.Addr, "http://"+o.Addr
		if o.Unix {
			s.URL = "http://localhost"
		}
	}
	if o.Target != "" {
		args = append(args, o.Target)
	}
	if slices.Contains(args, "--certfile") {
		s.secure = certificate().client()
		s.URL = strings.Replace(s.URL, "http://", "https://", 1)
	}
	if o.Cut && s.network == "tcp" && !o.Free {
		s.cutting = startCutting(t, s.Addr)
	}
	s.http2 = slices.Contains(args, "prior-knowledge") || slices.Contains(args, "h2")
	s.cmd = command(o, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.log
	if o.Outlived {
		s.cmd.Stdout, s.cmd.Stderr = s.out.follow(t), s.log.follow(t)
	}
	if o.Wrap != nil {
		o.Wrap(s.cmd)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", s.cmd.Path, err)
	}
	go func() {
		s.status = s.cmd.Wait()
		close(s.exited)
	}()
	return s
}

// scheme is what URLs of the server begin with.
func (s *Server) scheme() string {
	if s.secure != nil {
		return "https"
	}
	return "http"
}

// venv is the option that names the virtualenv.
func (o Options) venv() []string {
	if o.Venv == "" {
		return nil
	}
	return []string{"--venv", o.Venv}
}

// shortFolder makes a folder for sockets. Not t.TempDir: a socket's path may have
// about 100 bytes only.
func shortFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "gowsgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// isBuild tells whether these are arguments of gowsgi build or inspect.
func isBuild(args []string) bool {
	return len(args) > 0 && (args[0] == "build" || args[0] == "inspect")
}

// command is the program with arguments, in an environment without anything
// that would change its settings or its Python behind the test's back.
func command(o Options, args ...string) *exec.Cmd {
	showsOnly := func(arg string) bool { return arg == "--version" || arg == "--help" || arg == "--print-config" }
	if preload && o.Program == "" && !console.Is(args) && !isBuild(args) && !slices.ContainsFunc(args, showsOnly) {
		args = append([]string{"--preload"}, args...) // no variable, which the application would see
	}
	cmd := exec.Command(cmp.Or(o.Program, program()), args...)
	cmd.Dir = o.Dir
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case strings.HasPrefix(name, "GOWSGI_"), strings.HasPrefix(name, "PYTHON"),
			name == "VIRTUAL_ENV", name == "PORT", name == "WEB_CONCURRENCY",
			name == "FORWARDED_ALLOW_IPS", name == "GUNICORN_CMD_ARGS", name == "GOMAXPROCS":
		default:
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, o.Env...)
	// A group of its own, so that whatever is left over can be ended with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A process that outlives the program and holds its log must not hang the test.
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

func (s *Server) waitReady(t testing.TB) {
	t.Helper()
	expired := time.After(startDeadline)
	for !readyLog.MatchString(s.Log()) {
		next := s.log.next()
		if readyLog.MatchString(s.Log()) {
			break
		}
		select {
		case <-next:
		case <-s.exited:
			s.stopped = true
			t.Fatalf("the program exited before it was ready: %v", s.status)
		case <-expired:
			t.Fatalf("not ready after %v", startDeadline)
		}
	}
	if where := listenLog.FindStringSubmatch(s.Log()); s.Addr == "" && where != nil {
		s.Addr, s.URL = where[1], "http://"+where[1]
	}
	conn, err := net.DialTimeout(s.network, s.Addr, deadline)
	if err != nil {
		t.Fatalf("ready, but does not accept: %v", err)
	}
	conn.Close()
}

// Log is what the program and the application wrote to standard error so far.
func (s *Server) Log() string { return s.log.String() }

// Out is what they wrote to standard output: print(), and --access-logfile -.
func (s *Server) Out() string { return s.out.String() }

// WaitLog waits until the log contains substring, and returns the log.
func (s *Server) WaitLog(t testing.TB, substring string) string {
	t.Helper()
	return s.waitText(t, s.log, substring)
}

// WaitOut waits until standard output contains substring, and returns it all.
func (s *Server) WaitOut(t testing.TB, substring string) string {
	t.Helper()
	return s.waitText(t, s.out, substring)
}

func (s *Server) waitText(t testing.TB, l *log, substring string) string {
	t.Helper()
	expired := time.After(deadline)
	for {
		next := l.next()
		if text := l.String(); strings.Contains(text, substring) {
			return text
		}
		select {
		case <-next:
		case <-expired:
			t.Fatalf("%q did not appear within %v", substring, deadline)
		}
	}
}

// PID is the process id of the program that was started, the supervisor.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Signal sends a signal to the supervisor.
func (s *Server) Signal(t testing.TB, signal os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Errorf("signal %v: %v", signal, err)
	}
}

// Wait waits until the program is gone and returns its exit status, or -1 for
// one that a signal ended. The test has ended the program in some way of its
// own, so nothing is done or checked when it finishes.
func (s *Server) Wait(t testing.TB) int {
	t.Helper()
	s.stopped = true
	defer s.killGroup()
	select {
	case <-s.exited:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(stopDeadline):
		t.Fatalf("still running after %v", stopDeadline)
		return 0
	}
}

// Stop ends the program with SIGTERM. It must exit with 0, take its workers
// with it and leave no trace of a crash in its log.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	workers := s.WorkerPIDs()
	// It may have ended by itself, or for another signal.
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("SIGTERM: %v", err)
	}
	if status := s.Wait(t); status != 0 {
		t.Errorf("exit status %d (%v), want 0", status, s.status)
	} else if s.status != nil {
		t.Errorf("after the program's end: %v", s.status)
	}
	for _, pid := range workers {
		Eventually(t, fmt.Sprintf("worker %d is gone", pid), func() bool {
			return syscall.Kill(pid, 0) != nil
		})
	}
	if crash := crashLog.FindString(s.Log()); crash != "" {
		t.Errorf("the log shows a crash: %q", crash)
	}
}

// killGroup ends what is left of the program's process group.
func (s *Server) killGroup() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // usually nobody is left
}

// Result is what a run of the program that serves nothing left behind.
type Result struct {
	Status      int
	Out, Errors string
}

// Run runs the program with these arguments to its end: --version, --help, and
// everything that cannot start.
func Run(t testing.TB, o Options, args ...string) Result {
	t.Helper()
	out, errors := newLog(), newLog()
	cmd := command(o, args...)
	cmd.Stdout, cmd.Stderr = out, errors
	if o.Wrap != nil {
		o.Wrap(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", program(), err)
	}
	expired := time.AfterFunc(startDeadline, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer expired.Stop()
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() < 0 {
		t.Fatalf("%s %s: %v\n%s", program(), strings.Join(args, " "), err, errors)
	}
	return Result{Status: cmd.ProcessState.ExitCode(), Out: out.String(), Errors: errors.String()}
}

// lastPort is where freeAddr goes on. The ports lie below the range from which
// the kernel takes those of outgoing connections: a port from that range, free
// a moment ago, may belong to some client of another test by now.
var lastPort atomic.Int32

func freeAddr(t testing.TB) string {
	t.Helper()
	return freeAddrFrom(t, 15000, 15000)
}

// lowAddr has a port that only root may listen on.
func lowAddr(t testing.TB) string {
	t.Helper()
	return freeAddrFrom(t, 600, 400)
}

// freeAddrFrom finds one of count ports. Test runs at the same time begin at
// different ones.
func freeAddrFrom(t testing.TB, first, count int32) string {
	t.Helper()
	lastPort.CompareAndSwap(0, int32(os.Getpid()*97%15000))
	for range count {
		addr := fmt.Sprintf("127.0.0.1:%d", first+lastPort.Add(1)%count)
		if listener, err := net.Listen("tcp", addr); err == nil {
			listener.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}
