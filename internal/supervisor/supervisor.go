package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gowsgi/gowsgi/internal/acme"
	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/identity"
	"github.com/gowsgi/gowsgi/internal/listen"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/metrics"
	"github.com/gowsgi/gowsgi/internal/operator"
	"github.com/gowsgi/gowsgi/internal/rates"
	"github.com/gowsgi/gowsgi/internal/share"
	"github.com/gowsgi/gowsgi/internal/statsd"
	"github.com/gowsgi/gowsgi/internal/systemd"
	"github.com/gowsgi/gowsgi/internal/watch"
)

// Deployment is what is served and how: all that a reload may change.
type Deployment struct {
	// Settings are the effective settings. Chdir, Pid, the log files and the
	// paths in Bind are absolute, or empty.
	Settings config.Settings
	// Python is the application's interpreter.
	Python control.Python
	// Program is the worker for that interpreter.
	Program Program
	// Identity is whom workers run as.
	Identity identity.Identity
	// Umask is that of the settings, or else the one that gowsgi was started
	// with. Empty: as it is.
	Umask string
	// TLS is what is in the files that the settings name; nil: no TLS. The supervisor
	// reads them.
	TLS *certs.Material
	// Logs is where gowsgi's own records go.
	Logs Logs
	// Remark is what whoever ordered this reload would not expect; empty: nothing.
	Remark string
}

// setUmask has new files and workers made as the settings have it. They were
// checked, so it cannot fail.
func (d Deployment) setUmask() { _ = identity.SetUmask(d.Umask) }

// release lets go of a deployment that is given up.
func (d Deployment) release() {
	_ = d.Program.Close()
	d.Logs.Close()
}

// Logs is a place for records.
type Logs interface {
	// Use sends all records there, from now on.
	Use()
	// Reopen opens the log file anew.
	Reopen() error
	// SetLevel changes the least serious level that is logged there.
	SetLevel(level string)
	// Close is called when the records go elsewhere, or never came there. Who
	// calls Run closes the last one.
	Close()
}

// Program is something that can be started as a worker.
type Program interface {
	// Command returns a command that starts it with files as descriptors 3, 4
	// and so on. The caller sets everything but Path and ExtraFiles, the first of
	// Args too, and puts what it has in Env in front of what the user has there.
	Command(files ...*os.File) *exec.Cmd
	// Close is called when no worker will be started from it any more.
	Close() error
}

// Options are what a supervisor works with.
type Options struct {
	Deployment
	// Load reads the settings anew, for a reload. The error is one sentence.
	Load func(context.Context) (Deployment, error)
	// Upgrade returns a command that starts gowsgi anew as this one was
	// started, for SIGUSR2. The caller adds to its environment and files.
	Upgrade func() *exec.Cmd
	// HandLogs gives a deployment's log files to the user of its workers, who
	// open them themselves. The caller of Run has done so for the first.
	HandLogs func(Deployment) error
	Log      *slog.Logger
	// Stdin, Stdout and Stderr are those of the workers. Stdin may be nil.
	Stdin, Stdout, Stderr *os.File
	// Tickets are those of the gowsgi that this one takes over from; nil: there are none.
	Tickets *certs.Tickets
	// Signals are those that came since gowsgi started; nil: Run takes them.
	Signals *Signals

	ignored []syscall.Signal // when gowsgi was started; Run finds out
	shares  *share.Shares    // of the workers in the connections; nil: each takes what it gets
	rates   *rates.Keeper    // of what clients have sent; nil: each worker counts alone
}

// StartError says why a worker could not be started.
type StartError struct {
	Worker    int
	Message   string // one sentence
	Traceback string // Python's, if an exception was the reason
	Wrong     bool   // a setting is to blame (config.Wrong)
}

func (e *StartError) Error() string { return e.Message }

// supervisor is everything that Run knows. Only its loop uses it.
type supervisor struct {
	Options
	ctx       context.Context
	listeners []*listen.Listener
	removePid func()
	events    chan event
	done      chan struct{} // closed when nobody reads events any more

	systemd  *systemd.Notifier
	told     string         // what that was told last of what gowsgi does
	watcher  *watch.Watcher // of the application's code; nil: none
	children sync.Map       // by process id: they are waited for, and not orphans

	secrets     secrets
	preload     preload
	nurseries   map[*nurse]struct{} // the present one, and those that are to end
	ordered     atomic.Int32        // workers of which only the nursery knows yet
	adopts      bool                // gowsgi is a subreaper
	stopReaping func()

	slots   map[int]*slot // the workers that there should be, by number
	workers map[*worker]struct{}
	// Which deployment is the current one. Workers of another are replaced.
	generation, generations int
	started                 bool           // all workers have been ready
	advised                 map[string]int // the generation for which a thing was said last: advice.go
	// The deployments that have had a request, by generation.
	proven map[int]bool

	reload  reload
	upgrade upgrade
	// upgradeFailure says why the last one was none.
	upgradeFailure string
	predecessor    *os.File           // the gowsgi that this one takes over from; nil: none
	unwanted       []*listen.Listener // inherited from it, and in the settings no more

	past      past // what is over
	began     time.Time
	control   *operator.Server // nil: nobody can ask
	metrics   *metrics.Server  // nil: they have no address
	texts     *metrics.Texts
	statsd    *statsd.Sender // nil: it is not told
	leaving   bool           // after shutdown_delay it stops
	wishes    []wish
	inquiries inquiries

	stopping stopping
	deadline <-chan time.Time // when workers are killed; nil if they are not
	err      error            // what Run returns
}

// event is something to be done in the loop.
type event func()

// Run opens the sockets, starts the workers and keeps them running until a
// signal or ctx asks it to stop. It returns nil after a stop that was asked
// for. Otherwise nothing is left running and no file left behind, and the
// error is one sentence for the user; it is a *StartError if it was a worker
// that could not start.
func Run(ctx context.Context, o Options) error {
	signals := o.Signals
	if signals == nil {
		signals = TakeSignals()
		defer signals.Release()
	}
	o.ignored = signals.ignored
	shares, err := share.New()
	if err != nil {
		o.Log.Warn("workers take connections as they come", "event", "scoreboard.failed", "error", err.Error())
	}
	defer shares.Close()
	o.shares, o.rates = shares, &rates.Keeper{}
	defer o.rates.Close()

	s := &supervisor{
		Options: o,
		ctx:     ctx,
		events:  make(chan event),
		done:    make(chan struct{}),
		slots:   map[int]*slot{},
		workers: map[*worker]struct{}{},
		began:   time.Now(),
		advised: map[string]int{},
		proven:  map[int]bool{},

		nurseries: map[*nurse]struct{}{},

		predecessor: findPredecessor(),
	}
	s.Log = slog.New(logging.Counting(o.Log.Handler(), s.past.events.count))
	s.systemd = systemd.New(s.Log)
	s.reapOrphans()
	defer func() { s.stopReaping() }()
	defer func() { _ = s.Program.Close() }()
	defer s.closeControl()
	s.texts = &metrics.Texts{Source: measured{s}}
	defer close(s.done)
	defer s.disappoint()
	// Who is told that gowsgi has stopped may start another one at once.
	defer func() { s.control.Hide() }()
	defer func() { s.metrics.Close() }()
	if err := s.openTLS(); err != nil {
		return err
	}
	if err := s.open(); err != nil {
		return err
	}
	defer s.closeListeners()
	if err := s.openACME(); err != nil {
		return err
	}
	defer acme.Unlock()
	defer s.closeACME()
	err = s.startWatching()
	if err != nil {
		s.removePid()
		return err
	}
	defer func() { s.removePid() }()
	if s.predecessor == nil { // who takes over opens it when it serves
		s.openControl()
		if s.metrics, err = s.openMetrics(o.Settings); err != nil {
			s.removePid()
			return err
		}
	}
	s.openStatsd()
	defer s.closeStatsd()
	for number := 1; number <= o.Settings.Workers; number++ {
		s.slots[number] = &slot{number: number}
	}
	s.arrange()
	if o.Settings.MaxWorkerMemory > 0 || o.Load != nil {
		go s.tick(memoryInterval, s.watchMemory)
	}
	s.loop(signals.received)
	if s.err == nil {
		s.Log.Info("stopped", "event", "gowsgi.stopped")
	}
	return s.err
}

// open opens the sockets and writes the pid file.
func (s *supervisor) open() (err error) {
	inherited, err := listen.Inherited()
	if err != nil {
		return err
	}
	if s.listeners, _, err = listen.Open(s.listenOptions(), inherited); err != nil {
		return err
	}
	for _, l := range inherited {
		if !slices.Contains(s.listeners, l) {
			s.unwanted = append(s.unwanted, l)
		}
	}
	s.removePid = func() {}
	if s.Settings.Pid != "" && s.predecessor == nil { // who takes over writes it when it serves
		if s.removePid, err = claimPid(s.Settings.Pid, false, s.Log); err != nil {
			s.closeListeners()
			return err
		}
	}
	for _, l := range s.listeners {
		s.Log.Info("listening", "event", "listener.open", "address", s.url(l))
	}
	return nil
}

// loop returns when the supervisor is stopping and no worker is left.
func (s *supervisor) loop(signals <-chan os.Signal) {
	canceled := s.ctx.Done()
	watchdog := s.systemd.Watchdog()
	for s.stopping == no || len(s.workers)+len(s.nurseries) > 0 {
		select {
		case do := <-s.events:
			do()
		case received := <-signals:
			s.signaled(received.(syscall.Signal))
		case <-canceled:
			canceled = nil
			s.stopGracefully("canceled", s.Settings.GracefulTimeout)
		case <-s.deadline:
			s.kill()
		case <-watchdog:
			s.systemd.Alive()
		}
		s.fulfil()
		s.tellStatus()
	}
}

// post has the loop do something, or nobody if the loop has ended.
func (s *supervisor) post(do event) {
	select {
	case s.events <- do:
	case <-s.done:
	}
}

// after has the loop do something later.
func (s *supervisor) after(wait time.Duration, do event) {
	time.AfterFunc(wait, func() { s.post(do) })
}

// tick has the loop do something again and again.
func (s *supervisor) tick(interval time.Duration, do event) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.post(do)
		case <-s.done:
			return
		}
	}
}

func (s *supervisor) signaled(received syscall.Signal) {
	name := nameOf(received)
	switch received {
	case syscall.SIGTERM:
		s.leave(name)
	case syscall.SIGINT:
		if s.stopping == no {
			s.stopGracefully(name, min(s.Settings.GracefulTimeout, interruptedGrace))
		} else {
			s.hurry(name)
		}
	case syscall.SIGQUIT:
		s.hurry(name)
	case syscall.SIGHUP:
		s.startReload()
	case syscall.SIGUSR1:
		s.reopen()
	case syscall.SIGUSR2:
		s.startUpgrade()
	case syscall.SIGTTIN:
		s.addWorker()
	case syscall.SIGTTOU:
		s.removeWorker()
	}
}

// reopen opens all log files anew, here and in the workers.
func (s *supervisor) reopen() {
	if err := errors.Join(s.Logs.Reopen(), s.HandLogs(s.Deployment)); err != nil {
		s.Log.Error("log file cannot be reopened: the old one is kept", "event", "log.failed", "error", err.Error())
	} else {
		s.Log.Info("log files reopened", "event", "log.reopened")
	}
	for w := range s.workers {
		w.tell(control.Order{Kind: control.Reopen})
	}
}

// fail ends it all: why is what Run returns.
func (s *supervisor) fail(why *StartError) {
	s.err = why
	if s.started {
		s.stopGracefully("a worker cannot be started", s.Settings.GracefulTimeout)
	} else {
		s.stopQuickly()
	}
}

// listenOptions: everybody may connect to a unix socket unless the settings say
// otherwise, whatever gowsgi was started with. A proxy is usually another user.
func (d *Deployment) listenOptions() listen.Options {
	umask, _ := strconv.ParseUint(d.Settings.Umask, 8, 9) // checked; empty is 0
	return listen.Options{
		Binds: slices.Concat(d.Settings.Bind, d.Settings.RedirectBinds()), Backlog: d.Settings.Backlog, ReusePort: d.Settings.ReusePort,
		UID: d.Identity.UID, GID: d.Identity.GID, Umask: int(umask),
	}
}

func label(settings config.Settings) string { return settings.Title() }

func title(number int, settings config.Settings) string {
	return fmt.Sprintf("gowsgi: worker %d [%s]", number, label(settings))
}
