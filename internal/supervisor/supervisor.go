package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
)

// Options are what a supervisor works with.
type Options struct {
	// Settings are the effective settings. Chdir, Pid, the log files and the
	// paths in Bind are absolute, or empty.
	Settings config.Settings
	// Python is the application's interpreter.
	Python control.Python
	// Program is the worker for that interpreter.
	Program Program
	Log     *slog.Logger
	// Stdout and Stderr are those of the workers.
	Stdout, Stderr *os.File
}

// Program is something that can be started as a worker.
type Program interface {
	// Command returns a command that starts it with files as descriptors 3, 4
	// and so on. The caller sets everything but Path and ExtraFiles.
	Command(files ...*os.File) *exec.Cmd
}

// StartError says why a worker could not be started the first time.
type StartError struct {
	Worker    int
	Message   string // one sentence
	Traceback string // Python's, if an exception was the reason
}

func (e *StartError) Error() string { return e.Message }

type supervisor struct {
	Options
	listeners []*listener
	events    chan event
	done      chan struct{} // closed when nobody reads events any more

	workers  map[int]*worker // running, by number
	failures map[int]int     // early deaths in a row, by number
	started  bool            // all workers have been ready
	stopping stopping
	deadline <-chan time.Time // when workers are killed; nil if they are not
	err      error            // what Run returns
}

// event is what happened to a worker, or to the place of one.
type event struct {
	worker *worker
	report *control.Report // nil: the worker is gone
	start  int             // if not 0: time to start the worker of this number
}

// Run opens the sockets, starts the workers and keeps them running until a
// signal or ctx asks it to stop. It returns nil after a stop that was asked
// for. Otherwise nothing is left running and no file left behind, and the
// error is one sentence for the user; it is a *StartError if it was a worker
// that could not start.
func Run(ctx context.Context, o Options) error {
	signals := make(chan os.Signal, 16)
	signal.Notify(
		signals,
		syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT,
		syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTTIN, syscall.SIGTTOU,
		// Go ends a program that writes to a closed standard error unless it
		// has asked for this one. A log that nobody reads must not end it.
		syscall.SIGPIPE,
	)
	defer signal.Stop(signals)

	s := &supervisor{
		Options:  o,
		events:   make(chan event),
		done:     make(chan struct{}),
		workers:  map[int]*worker{},
		failures: map[int]int{},
	}
	defer close(s.done)
	var err error
	if s.listeners, err = listenAll(o.Settings.Bind, o.Settings.Backlog); err != nil {
		return err
	}
	defer s.closeListeners()
	if o.Settings.Pid != "" {
		remove, err := writePid(o.Settings.Pid)
		if err != nil {
			return err
		}
		defer remove()
	}
	for _, l := range s.listeners {
		s.Log.Info("listening", "event", "listener.open", "address", l.url())
	}
	for number := 1; number <= o.Settings.Workers && s.err == nil; number++ {
		s.start(number)
	}
	s.loop(ctx, signals)
	if s.err == nil {
		s.Log.Info("stopped", "event", "gowsgi.stopped")
	}
	return s.err
}

// loop returns when the supervisor is stopping and no worker is left.
func (s *supervisor) loop(ctx context.Context, signals <-chan os.Signal) {
	canceled := ctx.Done()
	for s.stopping == no || len(s.workers) > 0 {
		select {
		case e := <-s.events:
			switch {
			case e.start != 0:
				s.start(e.start)
			case e.report != nil:
				s.reported(e.worker, e.report)
			default:
				s.gone(e.worker)
			}
		case received := <-signals:
			s.signaled(received.(syscall.Signal))
		case <-canceled:
			canceled = nil
			s.stopGracefully("canceled")
		case <-s.deadline:
			s.kill()
		}
	}
}

// post hands an event to the loop, or to nobody if the loop has ended.
func (s *supervisor) post(e event) {
	select {
	case s.events <- e:
	case <-s.done:
	}
}

func (s *supervisor) start(number int) {
	if s.stopping != no {
		return
	}
	w, err := startWorker(s.Options, s.listeners, number)
	if err != nil {
		s.failed(number, fmt.Sprintf("worker %d cannot be started: %v", number, err), "")
		s.replace(number, true)
		return
	}
	s.workers[number] = w
	s.Log.Debug("worker started", "event", "worker.started", "worker", number, "pid", w.cmd.Process.Pid)
	go w.watch(s.post)
}

func (s *supervisor) reported(w *worker, report *control.Report) {
	switch report.Kind {
	case control.Ready:
		w.ready = time.Now()
		if s.stopping != no {
			return
		}
		s.Log.Info("application loaded", "event", "application.loaded",
			"worker", w.number, "pid", w.cmd.Process.Pid, "seconds", math.Round(report.Seconds*1000)/1000)
		s.announce()
	case control.Failed:
		w.failed = true // it exits by itself
		s.failed(w.number, report.Message, report.Traceback)
	}
}

// announce says so, once, when all workers are ready.
func (s *supervisor) announce() {
	if s.started || len(s.workers) < s.Settings.Workers {
		return
	}
	for _, w := range s.workers {
		if w.ready.IsZero() {
			return
		}
	}
	s.started = true
	s.Log.Info("ready", "event", "gowsgi.ready", "workers", s.Settings.Workers, "threads", s.Settings.Threads)
}

// failed deals with a worker that could not start: the first time that is the
// end, later it is a line in the log.
func (s *supervisor) failed(number int, message, traceback string) {
	switch {
	case s.stopping != no:
	case !s.started:
		s.err = &StartError{Worker: number, Message: message, Traceback: traceback}
		s.stopQuickly()
	default:
		s.Log.Error("worker cannot start", "event", "worker.failed", "worker", number, "reason", message, "traceback", traceback)
	}
}

func (s *supervisor) gone(w *worker) {
	delete(s.workers, w.number)
	pid, cause := w.cmd.Process.Pid, cause(w.cmd.ProcessState)
	switch {
	case s.stopping != no:
		s.Log.Debug("worker stopped", "event", "worker.stopped", "worker", w.number, "pid", pid, "cause", cause)
		return
	case !s.started:
		s.failed(w.number, fmt.Sprintf("worker %d %s before it had loaded the application", w.number, cause), "")
		return
	}
	s.Log.Error("worker died", "event", "worker.died", "worker", w.number, "pid", pid, "cause", cause)
	s.replace(w.number, w.ready.IsZero() || time.Since(w.ready) < settled)
}

const (
	// A worker that has been ready this long has not died at start.
	settled = time.Second
	// The longest time between two attempts to start a worker.
	longestPause = 30 * time.Second
)

// replace starts a worker in the place of one that died, later if it died
// early.
func (s *supervisor) replace(number int, early bool) {
	if s.stopping != no {
		return
	}
	if !early {
		s.failures[number] = 0
	} else {
		s.failures[number]++
	}
	wait := pause(s.failures[number])
	if wait == 0 {
		s.start(number)
		return
	}
	s.Log.Warn("worker waits to be replaced", "event", "worker.delayed", "worker", number, "wait", wait)
	time.AfterFunc(wait, func() { s.post(event{start: number}) })
}

// pause is how long to wait after so many early deaths in a row: not at all
// after the first, then 1 s, 2 s, 4 s and so on.
func pause(failures int) time.Duration {
	if failures < 2 {
		return 0
	}
	return min(time.Second<<min(failures-2, 10), longestPause)
}
