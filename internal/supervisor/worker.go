package supervisor

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/control"
)

// worker is a running worker process. Apart from watch, only the supervisor's
// loop uses it.
type worker struct {
	number  int
	cmd     *exec.Cmd
	control *net.UnixConn
	plan    control.Plan
	ready   time.Time // when it was; zero: not yet
	failed  bool      // it said that it cannot start
}

// startWorker starts the process; watch does the rest.
func startWorker(o Options, listeners []*listener, number int) (*worker, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	files := []*os.File{theirs} // becomes control.FD
	plan := control.Plan{Settings: o.Settings, Worker: number, Python: o.Python}
	for _, l := range listeners {
		plan.Listeners = append(plan.Listeners, control.Listener{
			FD: control.FD + len(files), Network: l.network, Address: l.address,
		})
		files = append(files, l.file)
	}
	cmd := o.Program.Command(files...)
	cmd.Args = []string{fmt.Sprintf("gowsgi: worker %d [%s]", number, o.Settings.Target)}
	cmd.Dir = o.Settings.Chdir
	cmd.Env, plan.Restore = environment(os.Environ(), o)
	cmd.Stdout, cmd.Stderr = o.Stdout, o.Stderr
	if err := cmd.Start(); err != nil {
		ours.Close()
		return nil, err
	}
	return &worker{number: number, cmd: cmd, control: ours, plan: plan}, nil
}

// watch tells the worker its plan and posts what it reports and, last, that it
// is gone.
func (w *worker) watch(post func(event)) {
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = w.cmd.Wait() // ProcessState says it better
		// A process that the application started may hold the other end for
		// longer. What the worker sent can still be read after this, then
		// comes the end.
		_ = w.control.CloseRead()
	}()
	// An error means that it is dying, which is noticed below.
	_ = json.NewEncoder(w.control).Encode(w.plan)
	reports := json.NewDecoder(w.control)
	for {
		var report control.Report
		if reports.Decode(&report) != nil {
			break
		}
		post(event{worker: w, report: &report})
	}
	<-exited
	w.control.Close()
	post(event{worker: w})
}

// socketPair returns the two ends of a control socket: one to talk on, one to
// be inherited.
func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	// Not SOCK_CLOEXEC, which macOS does not have.
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	file := os.NewFile(uintptr(fds[0]), "control")
	defer file.Close() // FileConn has its own copy
	conn, err := net.FileConn(file)
	if err != nil {
		unix.Close(fds[1])
		return nil, nil, err
	}
	return conn.(*net.UnixConn), os.NewFile(uintptr(fds[1]), "control"), nil
}

// cause says in words how a process ended.
func cause(state *os.ProcessState) string {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return fmt.Sprintf("exited with status %d", state.ExitCode())
	}
	text := "was killed by " + unix.SignalName(status.Signal())
	switch status.Signal() {
	case syscall.SIGKILL:
		text += " (out of memory, or somebody's kill -9)"
	case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGILL, syscall.SIGFPE, syscall.SIGABRT:
		text += " (" + status.Signal().String() + ")"
	}
	if status.CoreDump() {
		text += ", core dumped"
	}
	return text
}
