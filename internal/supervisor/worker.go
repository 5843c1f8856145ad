package supervisor

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/listen"
	"github.com/gowsgi/gowsgi/internal/mounts"
	"github.com/gowsgi/gowsgi/internal/octets"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// worker is a worker process. Apart from watch, only the supervisor's loop
// uses it.
type worker struct {
	number     int
	generation int // of the deployment that it was started from
	plan       control.Plan
	tls        *certs.Material  // what it speaks TLS with; nil: nothing
	process    *os.Process      // nil: not yet
	state      *os.ProcessState // how it ended, once it has
	doomed     bool             // to be killed as soon as there is a process
	control    *net.UnixConn
	talk       talk
	board      *scoreboard.Board // what it is doing; nil: nobody knows
	page       *tally.Page       // what it has done; nil: nobody knows
	mounts     []string          // what its applications are called, by number
	started    time.Time
	oom        int64     // oomKills then
	ready      time.Time // when it was; zero: not yet

	failed             bool // it cannot start; message says why
	message, traceback string
	wrong              bool // a setting is to blame

	reason   string // why it is to be replaced; empty: it is not
	hopeless bool   // there is no point in waiting for it
}

// startWorker starts the process and tells it its plan; watch does the rest.
// check: it is only to see whether the application loads.
func startWorker(o Options, listeners []*listen.Listener, number int, check bool) (*worker, error) {
	w, files, err := newWorker(o, listeners, number)
	if err != nil {
		return nil, err
	}
	defer files[0].Close()
	cmd := o.Program.Command(files...)
	cmd.Args[0] = title(number, o.Settings)
	w.plan.Check = check
	w.plan.Restore = o.dress(cmd)
	if err := cmd.Start(); err != nil {
		w.discard()
		return nil, err
	}
	w.process = cmd.Process
	w.tell(w.plan)
	return w, nil
}

// newWorker makes everything for a worker but the process, and the files that
// it is to have from control.FD on. The first of them is for the caller to close.
func newWorker(o Options, listeners []*listen.Listener, number int) (*worker, []*os.File, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	files := []*os.File{theirs} // becomes control.FD
	plan := control.Plan{Settings: o.Settings, Worker: number, Python: o.Python, TLS: o.TLS.With(o.Tickets), Ignored: o.ignored}
	for _, l := range listeners {
		plan.Listeners = append(plan.Listeners, control.Listener{
			FD: control.FD + len(files), Network: l.Network, Address: l.Address, Borrowed: l.Borrowed(),
			TLS: o.TLS != nil && !o.redirects(l), Redirects: o.redirects(l),
		})
		files = append(files, l.File())
	}
	board, err := scoreboard.New()
	if err != nil {
		o.Log.Warn("what workers do cannot be noted", "event", "scoreboard.failed", "error", err.Error())
	} else {
		plan.Scoreboard = control.FD + len(files)
		files = append(files, board.File())
	}
	page, err := tally.New(len(o.Settings.Applications()))
	if err != nil {
		o.Log.Warn("what workers do cannot be counted", "event", "scoreboard.failed", "error", err.Error())
	} else {
		plan.Tally = control.FD + len(files)
		files = append(files, page.File())
	}
	if o.shares != nil {
		plan.Share = control.FD + len(files)
		files = append(files, o.shares.File())
	}
	if o.Settings.LimitRate != "" {
		file, err := o.rates.File()
		if err != nil {
			o.Log.Warn("each worker counts for itself what clients send", "event", "scoreboard.failed", "error", err.Error())
		} else if file != nil {
			plan.Rates = control.FD + len(files)
			files = append(files, file)
		}
	}
	return &worker{
		number: number, plan: plan, tls: o.TLS, control: ours, board: board, page: page, mounts: mounts.Names(&o.Settings), started: time.Now(), oom: oomKills(),
	}, files, nil
}

// dress gives a command that starts the program what all of them have, and
// returns the variables that are to be put back.
func (o *Options) dress(cmd *exec.Cmd) (restore map[string]*string) {
	cmd.Dir = o.Settings.Chdir
	cmd.Env, restore = environment(os.Environ(), cmd.Env, *o)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, o.Stdout, o.Stderr
	if o.Identity.Credential != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: o.Identity.Credential}
	}
	if o.Settings.Debug {
		cmd.Stdin = o.Stdin
	}
	return restore
}

// discard is for a worker that never became a process.
func (w *worker) discard() {
	w.control.Close()
	_ = w.board.Close()
	_ = w.page.Close()
}

// pid is 0 as long as there is no process: it was ordered from a nursery.
func (w *worker) pid() int {
	if w.process == nil {
		return 0
	}
	return w.process.Pid
}

func (w *worker) tell(value any) { w.talk.tell(w.control, value) }

// drain tells the worker to finish what it has within grace. linger is how long
// idle clients may take for their next request; last: nobody else will serve on
// its sockets.
func (w *worker) drain(linger, grace time.Duration, last bool) {
	w.tell(control.Order{Kind: control.Drain, Linger: linger, Grace: grace, Last: last})
}

// hasServed tells whether it has taken up a request since it was ready. Where
// requests are not noted it is taken to have.
func (w *worker) hasServed() bool {
	return !w.ready.IsZero() && (w.board == nil || w.board.Latest().After(w.ready))
}

// isEarly tells whether an end now would be early: it was ready a moment ago, and
// has had no request that would explain it.
func (w *worker) isEarly() bool { return time.Since(w.ready) < settled && !w.hasServed() }

// signal sends a signal; one that is gone has its end on the way.
func (w *worker) signal(s syscall.Signal) {
	if w.process != nil {
		_ = w.process.Signal(s)
	}
}

func (w *worker) kill() {
	w.doomed = true
	w.signal(syscall.SIGKILL)
}

// watch passes on what the worker reports and, last, that it is gone.
func (w *worker) watch(reported func(control.Report), gone func()) {
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		w.state, _ = w.process.Wait() // nil if somebody else has waited for it
		// A process that the application started may hold the other end for
		// longer. What the worker sent can still be read after this, then
		// comes the end.
		_ = w.control.CloseRead()
	}()
	reports := octets.NewDecoder(w.control)
	for {
		var report control.Report
		if reports.Decode(&report) != nil {
			break
		}
		reported(report)
	}
	<-exited
	w.control.Close()
	gone()
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

// running is what a worker that died or is killed was doing: requests are taken up in the
// order in which they came, so the oldest of them are those that were inside
// one of its threads.
func (w *worker) running(threads int) string {
	entries := w.board.Running()
	var texts []string
	for _, e := range entries[:min(len(entries), threads)] {
		texts = append(texts, fmt.Sprintf("%s (%.1f s)", e, time.Since(e.Started).Seconds()))
	}
	return strings.Join(texts, ", ")
}
