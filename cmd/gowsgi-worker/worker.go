package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/accesslog"
	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/crash"
	"github.com/gowsgi/gowsgi/internal/exchange"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/mounts"
	"github.com/gowsgi/gowsgi/internal/octets"
	"github.com/gowsgi/gowsgi/internal/scarcity"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
	"github.com/gowsgi/gowsgi/internal/server"
	"github.com/gowsgi/gowsgi/internal/tally"
	"github.com/gowsgi/gowsgi/internal/version"
)

// worker wires embed, gil and server together.
type worker struct {
	plan        control.Plan
	inherited   descriptors
	log         *slog.Logger
	level       *slog.LevelVar  // of log
	syslog      *logging.Syslog // behind log; nil: none
	logs        []*logging.File // to be reopened
	page        *tally.Page     // nil: nothing is counted
	access      *accesslog.Log
	certs       *certs.Store // nil: no TLS
	interpreter *embed.Interpreter
	app         *embed.Application // nil: it could not be loaded, and the server says so
	server      *server.Server
	inquiry     *inquiry // for metrics
	proofs      *inquiry
	serving     atomic.Pointer[server.Server] // the same, once it can be asked
	reported    bool                          // gowsgi reads reports of crashes
	reporting   sync.Mutex                    // guards reports
	reports     *octets.Encoder
	loading     time.Duration
}

// start starts CPython, loads the application and prepares the server. nil if
// all went well, else what to tell gowsgi.
func (w *worker) start() *control.Report {
	s := w.plan.Settings
	began := time.Now()
	path, err := searchPath(s.Pythonpath)
	if err != nil {
		return &control.Report{Message: err.Error()}
	}
	w.access, err = accesslog.Open(s, w.inherited.stdout, w.plan.Worker, w.log)
	if err != nil {
		return &control.Report{Message: err.Error()}
	}
	w.access.Lost(w.countLost)
	w.interpreter, err = embed.Start(w.plan.Python.Executable, path, w.record)
	if err == nil && s.CaptureOutput {
		err = w.interpreter.CaptureOutput()
	}
	if err != nil {
		return &control.Report{Message: explain(err)}
	}
	w.app, err = w.interpreter.Serve(mounts.Targets(&s), embed.Serving{
		Threads: s.Threads, Workers: s.Workers, Queue: s.BacklogRequests,
		ResponseBuffer: s.ResponseBuffer, Software: "gowsgi/" + version.Version, Check: w.plan.Check,
		Django: slices.Contains(s.Static, config.StaticDjango), Mount: s.Mount, Quotas: mounts.Quotas(&s),
	})
	w.loading = time.Since(began)
	logging.FillStandard() // if it has closed its standard streams
	if err != nil {
		report := &control.Report{Message: explain(err)}
		var raised *embed.Error
		var files *embed.FilesError
		if errors.As(err, &raised) {
			report.Traceback = raised.Traceback
		} else {
			report.Wrong = errors.As(err, &files)
		}
		if s.Reload && report.Traceback != "" && !w.plan.Check {
			w.log.Error("the application cannot be loaded", "event", "application.broken",
				"reason", report.Message, "traceback", report.Traceback)
			w.server = server.NewBroken(report.Message, report.Traceback, s, w.log)
			w.server.Secure(w.certs)
			w.report(control.Report{Kind: control.Modules, Files: w.interpreter.Modules()})
			return nil
		}
		return report
	}
	if n := w.app.Threads(); n < s.Threads {
		w.log.Warn("eventlet's locks cannot be shared by threads: requests run one at a time; "+
			"give the same requests more --workers, or threads without eventlet.monkey_patch()",
			"event", "application.one_thread", "threads", s.Threads)
	}
	if s.Static, err = w.findStatic(s.Static); err != nil {
		return &control.Report{Message: err.Error(), Wrong: config.IsWrong(err)}
	}
	w.server, err = server.New(w.app, s, w.log, w.access, exchange.Hooks{
		Replace: w.replace, Advise: w.advise, Board: w.board(), Page: w.page, Counts: w.counts(), Rates: w.openRates(), Metrics: w.metrics,
	}, w.openShare())
	if err != nil {
		return &control.Report{Message: err.Error(), Wrong: config.IsWrong(err)}
	}
	w.server.Secure(w.certs)
	return nil
}

// explain adds to an error of CPython's what has run out. It tells little itself of
// an address space that is too small: no codec, or a MemoryError.
func explain(err error) string {
	words := scarcity.Of(err)
	var raised *embed.Error
	var refused *embed.LoadError
	if words == "" && (errors.As(err, &raised) && raised.Type == "MemoryError" || raised == nil && !errors.As(err, &refused)) {
		words = scarcity.OfAddressSpace()
	}
	if words == "" {
		return err.Error()
	}
	return err.Error() + ": " + words
}

// record logs what the application says outside of its responses.
func (w *worker) record(r embed.Record) {
	if w.plan.Settings.Debug && r.Kind == embed.SignalIgnored {
		return // pdb tries it at every command
	}
	exchange.LogRecord(w.log, r)
}

// searchPath is what goes in front of sys.path: pythonpath, then the working
// directory, which is chdir by now.
func searchPath(pythonpath []string) ([]string, error) {
	var path []string
	for _, dir := range append(pythonpath[:len(pythonpath):len(pythonpath)], ".") {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		path = append(path, absolute)
	}
	return path, nil
}

// reopen is for whoever rotates the log files.
func (w *worker) reopen() {
	for _, file := range w.logs {
		if err := file.Reopen(); err != nil {
			w.logFailed(err)
		}
	}
	w.useLog()
	if err := w.access.Reopen(); err != nil {
		w.logFailed(err)
	}
}

// useLog has the log for what Go cannot write: what forked children say and, unless
// gowsgi reads them, reports of crashes.
func (w *worker) useLog() {
	fd := w.logs[0].Fd()
	err := embed.ChildOutput(fd, w.plan.Settings.LogFormat == "json")
	if !w.reported {
		err = errors.Join(err, crash.Output(fd))
	}
	if err != nil {
		w.log.Warn("crashes and forked children will speak on standard error", "event", "log.failed", "error", err.Error())
	}
}

// reportCrashes has reports of crashes written where gowsgi reads them when this
// worker has died: so they are records like all others.
func (w *worker) reportCrashes() {
	if w.plan.Scoreboard == 0 {
		return
	}
	board := w.inherited.at(w.plan.Scoreboard)
	err := scoreboard.OpenReport(board)
	if err == nil {
		err = crash.Output(uintptr(board))
	}
	if w.reported = err == nil; !w.reported {
		w.log.Warn("crashes will be reported in the log as they are", "event", "scoreboard.failed", "error", err.Error())
	}
}

func (w *worker) logFailed(err error) {
	w.log.Error("log file cannot be reopened: the old one is kept", "event", "log.failed", "error", err.Error())
}

// end is how a worker ends: how long idle connections stay, how long requests
// have, and whether nobody else will serve on its sockets.
type end struct {
	linger, grace time.Duration
	stops         bool
}

// strangersLinger is how long idle connections stay open in a stop that gowsgi
// did not order.
const strangersLinger = time.Second

// serve accepts requests from when gowsgi says so until somebody says stop, or
// gowsgi is gone.
func (w *worker) serve(listeners []server.Listener, signals <-chan os.Signal, orders <-chan control.Order) int {
	if s := w.plan.Settings; s.Warmup != "" && w.app != nil {
		if err := w.server.Warmup(s.Warmup, s.StartupTimeout); err != nil {
			w.report(control.Report{Kind: control.Failed, Message: err.Error()})
			w.stop(end{}, signals)
			return exitNotReady
		}
	}
	w.serving.Store(w.server)
	w.report(control.Report{Kind: control.Ready, Seconds: w.loading.Seconds()})

	var failed <-chan error
	grace := w.plan.Settings.GracefulTimeout
	for {
		select {
		case sig := <-signals:
			if sig == syscall.SIGQUIT {
				// The sockets are not shut down: if all is to stop, gowsgi has done so.
				// Else other workers serve on them, or the gowsgi after an upgrade.
				return w.stop(end{}, signals)
			}
			// Somebody's kill: gowsgi will start another one.
			return w.stop(end{linger: strangersLinger, grace: grace}, signals)
		case order, ok := <-orders:
			switch {
			case !ok:
				w.log.Warn("gowsgi is gone: stopping", "event", "worker.orphaned")
				w.reported = false
				w.useLog()
				// Perhaps another gowsgi has the sockets by now: they are not shut down.
				return w.stop(end{linger: strangersLinger, grace: grace}, signals)
			case order.Kind == control.Serve:
				failed = w.server.Start(listeners)
				w.reportOften()
			case order.Kind == control.Drain:
				return w.stop(end{linger: order.Linger, grace: order.Grace, stops: order.Last}, signals)
			case order.Kind == control.Reopen:
				w.reopen()
			}
		case err := <-failed:
			w.log.Error("cannot accept connections any more", "event", "worker.failed", "error", err.Error())
			w.stop(end{grace: grace}, signals)
			return 1
		}
	}
}

func (w *worker) report(r control.Report) {
	w.reporting.Lock()
	defer w.reporting.Unlock()
	_ = w.reports.Encode(r) // if gowsgi is gone, nobody needs to know
}

// reportOften begins to tell gowsgi what becomes of the application.
func (w *worker) reportOften() {
	if w.app == nil {
		return
	}
	if timeout := w.plan.Settings.SurplusTimeout; timeout > 0 {
		go w.reportIdle(timeout)
	}
	if w.plan.Settings.Reload {
		go w.reportModules()
	}
}

// reportIdle tells gowsgi whenever nobody has been served for timeout: it knows
// whether the worker is one too many.
func (w *worker) reportIdle(timeout time.Duration) {
	for range time.Tick(max(timeout/4, 100*time.Millisecond)) {
		if last := w.server.LastActive(); !last.IsZero() && time.Since(last) >= timeout {
			w.report(control.Report{Kind: control.Idle})
		}
	}
}

// board is where requests are noted; nil for nowhere.
func (w *worker) board() *scoreboard.Board {
	if w.plan.Scoreboard == 0 {
		return nil
	}
	board, err := scoreboard.Open(w.inherited.at(w.plan.Scoreboard))
	if err != nil {
		w.log.Warn("what this worker does cannot be noted", "event", "scoreboard.failed", "error", err.Error())
	}
	return board
}

// modulesInterval is how often it is looked whether the application has imported
// something more.
const modulesInterval = time.Second

// reportModules tells gowsgi which files the application consists of, now and
// whenever there are others.
func (w *worker) reportModules() {
	var told []string
	for {
		files, err := w.app.Modules(modulesInterval)
		if err == nil && !slices.Equal(files, told) { // else the next look will do
			w.report(control.Report{Kind: control.Modules, Files: files})
			told = files
		}
		time.Sleep(modulesInterval)
	}
}

// replace asks for another worker in this one's place.
func (w *worker) replace(reason string, hopeless bool) {
	w.report(control.Report{Kind: control.Replace, Message: reason, Hopeless: hopeless})
}

// advise has gowsgi say something, unless another worker has been before.
func (w *worker) advise(event, subject, uri, message string) {
	w.report(control.Report{Kind: control.Advice, Event: event, Subject: subject, URI: uri, Message: message})
}

// stop lets running requests finish, then Python's atexit handlers and
// non-daemon threads, and returns the exit status: 1 if something had to be
// left behind. SIGQUIT stops at once.
func (w *worker) stop(e end, signals <-chan os.Signal) int {
	deadline := time.Now().Add(e.grace)
	go func() {
		late := time.After(e.grace + time.Second)
		for {
			select {
			case sig := <-signals:
				if sig != syscall.SIGQUIT {
					continue
				}
				w.sayCut(w.server.Unfinished(), end{})
			case <-late:
				w.log.Error("the application did not let go in time: stopped by force", "event", "worker.forced",
					"timeout_seconds", e.grace.Seconds(), "graceful_timeout_seconds", w.plan.Settings.GracefulTimeout.Seconds(), "stack", stacksNow(nil))
			}
			w.syslog.Close() // sends that, too
			os.Exit(1)
		}
	}()
	status := 0
	if cut := w.server.Drain(e.linger, e.grace, e.stops); len(cut) > 0 {
		w.sayCut(cut, e)
		status = 1
	}
	if w.app == nil {
		return status // Python waits where loading failed
	}
	if err := w.app.Close(max(time.Until(deadline), 100*time.Millisecond)); err != nil {
		if errors.Is(err, gil.ErrStuck) {
			// Python cannot be finalised under threads that still run in it.
			return 1
		}
		w.log.Warn("the pool did not close cleanly", "event", "worker.failed", "error", err.Error())
	}
	if err := w.interpreter.Stop(); err != nil {
		w.log.Warn("Python did not stop cleanly", "event", "worker.failed", "error", err.Error())
	}
	return status
}

// sayCut says which requests were not waited for any longer, and why.
func (w *worker) sayCut(cut []string, e end) {
	if len(cut) == 0 {
		return
	}
	full := w.plan.Settings.GracefulTimeout
	message := "requests were cut off: they took longer than graceful_timeout"
	switch {
	case e.grace == 0 && full > 0:
		message = "requests were cut off: they were to end at once, as after SIGQUIT or a second SIGINT; SIGTERM leaves them graceful_timeout"
	case e.grace < full:
		message = "requests were cut off: they took longer than SIGINT leaves of graceful_timeout; SIGTERM leaves all of it"
	}
	w.log.Warn(message, "event", "worker.cut_off",
		"timeout_seconds", e.grace.Seconds(), "graceful_timeout_seconds", full.Seconds(), "running", strings.Join(cut, ", "))
}
