package supervisor

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
)

// slot is the place of one worker. While one is replaced, its successor is
// starting beside it; it goes on serving until that one serves.
type slot struct {
	number   int
	serving  *worker // nil: none
	starting *worker // nil: none
	failures int     // early ends in a row
	waiting  bool    // before the next attempt to start
}

// giveUpStart ends a worker that serves nobody yet.
func (sl *slot) giveUpStart() {
	if sl.starting != nil {
		sl.starting.kill()
		sl.starting = nil
	}
}

// startAnew is for what may cure the slot: starts that failed count no more.
func (sl *slot) startAnew() {
	sl.giveUpStart()
	sl.failures, sl.waiting = 0, false
}

const (
	// A worker that has been ready this long has not died at start.
	settled = time.Second
	// The longest time between two attempts to start a worker.
	longestPause = 30 * time.Second
)

// arrange starts what is missing. Empty slots are filled at once. Workers that
// are to be replaced get a successor one after the other: memory for one more
// is enough, and if the first cannot start, the others are still there.
func (s *supervisor) arrange() {
	if s.stopping != no {
		return
	}
	for _, n := range slices.Sorted(maps.Keys(s.slots)) {
		if sl := s.slots[n]; sl.serving == nil && sl.starting == nil && !sl.waiting {
			s.start(sl)
		}
		if s.stopping != no {
			return
		}
	}
	for _, sl := range s.slots {
		if sl.serving != nil && sl.starting != nil {
			return // one after the other
		}
	}
	for _, n := range slices.Sorted(maps.Keys(s.slots)) {
		sl := s.slots[n]
		if w := sl.serving; w != nil && !sl.waiting && s.outdated(w) {
			s.Log.Info("replacing worker", "event", "worker.replacing", "worker", w.number, "pid", w.pid(), "reason", w.reason)
			s.start(sl)
			return
		}
	}
	s.finishReload()
}

// outdated tells whether a worker is to be replaced, and makes sure that it
// has a reason.
func (s *supervisor) outdated(w *worker) bool {
	if w.reason == "" && w.generation != s.generation {
		w.reason = reasonReload
	}
	return w.reason != ""
}

func (s *supervisor) start(sl *slot) {
	w, err := startWorker(s.Options, s.listeners, sl.number, false)
	if err != nil {
		s.startFailed(sl, fmt.Sprintf("worker %d cannot be started: %v", sl.number, err), "")
		return
	}
	w.generation = s.generation
	sl.starting = w
	s.workers[w] = struct{}{}
	s.children.Store(w.pid(), w)
	s.Log.Debug("worker started", "event", "worker.started", "worker", sl.number, "pid", w.pid())
	go w.watch(
		func(r control.Report) { s.post(func() { s.reported(w, r) }) },
		func() { s.post(func() { s.gone(w) }) },
	)
	if timeout := s.Settings.StartupTimeout; timeout > 0 {
		s.after(timeout, func() { s.startsTooLong(w, timeout) })
	}
}

func (s *supervisor) startsTooLong(w *worker, timeout time.Duration) {
	if sl := s.slots[w.number]; sl == nil || sl.starting != w || w.failed {
		return
	}
	w.failed = true
	w.message = fmt.Sprintf("worker %d did not load the application within %s: is it waiting for something? "+
		"Give it more time with --startup-timeout", w.number, timeout)
	// A worker that starts has no other request than this one.
	if warmup := s.Settings.Warmup; warmup != "" && w.running(1) != "" {
		w.message = fmt.Sprintf("worker %d has loaded the application, but that did not answer --warmup %s in what was left of %s: "+
			"is it waiting for something? Give it more time with --startup-timeout", w.number, warmup, timeout)
	}
	w.kill()
}

func (s *supervisor) reported(w *worker, r control.Report) {
	sl := s.slots[w.number]
	switch r.Kind {
	case control.Ready:
		if s.stopping == no && sl != nil && sl.starting == w {
			s.ready(sl, r.Seconds)
		}
	case control.Failed:
		w.failed = true // it exits by itself
		w.message, w.traceback = r.Message, r.Traceback
	case control.Replace:
		if sl != nil && sl.serving == w && w.reason == "" {
			w.reason, w.hopeless = r.Message, r.Hopeless
			s.arrange()
		}
	case control.Modules:
		s.watchModules(w, r)
	case control.Advice:
		s.advise(w, r)
	case control.Idle:
		if sl != nil && sl.serving == w && w.number > s.Settings.Workers {
			s.Log.Info("surplus worker is idle", "event", "worker.surplus", "worker", w.number, "pid", w.pid())
			s.remove(sl)
		}
	}
}

// ready makes the worker that was starting the one that serves.
func (s *supervisor) ready(sl *slot, seconds float64) {
	w, old := sl.starting, sl.serving
	sl.serving, sl.starting = w, nil
	w.ready = time.Now()
	w.tell(control.Order{Kind: control.Serve})
	s.Log.Info("application loaded", "event", "application.loaded",
		"worker", w.number, "pid", w.pid(), "seconds", math.Round(seconds*1000)/1000)
	s.limitLifetime(w)
	if w.generation == s.generation {
		s.passTrial()
	}
	if old != nil {
		sl.failures = 0
		s.drain(old, lingerReplaced)
	}
	s.announce()
	s.arrange()
}

// announce says so, once, when all workers are ready.
func (s *supervisor) announce() {
	if s.started {
		return
	}
	for _, sl := range s.slots {
		if sl.serving == nil {
			return
		}
	}
	s.started = true
	s.Log.Info("ready", "event", "gowsgi.ready", "workers", len(s.slots), "threads", s.Settings.Threads)
	s.relieve()
	s.systemd.Ready(s.status())
}

// status is what systemctl status shows.
func (s *supervisor) status() string {
	return fmt.Sprintf("%s, %d workers of %d threads", label(s.Settings), len(s.slots), s.Settings.Threads)
}

// drain lets a worker finish what it has and end; another one has its place.
func (s *supervisor) drain(w *worker, linger time.Duration) {
	if w.hopeless {
		w.kill()
		return
	}
	s.Log.Debug("worker drains", "event", "worker.draining", "worker", w.number, "pid", w.pid())
	w.drain(linger, s.Settings.GracefulTimeout, false)
	s.after(s.Settings.GracefulTimeout+patience, func() {
		if _, here := s.workers[w]; here {
			s.Log.Warn("worker killed, it did not stop in time", "event", "worker.killed", "worker", w.number, "pid", w.pid())
			w.kill()
		}
	})
}

// gone is the last that is heard of a worker.
func (s *supervisor) gone(w *worker) {
	delete(s.workers, w)
	defer func() { _ = w.board.Close() }()
	s.children.Delete(w.pid())
	sl := s.slots[w.number]
	cause := cause(w.cmd.ProcessState, w.oom)
	switch {
	case s.stopping != no || sl == nil || sl.serving != w && sl.starting != w:
		s.Log.Debug("worker stopped", "event", "worker.stopped", "worker", w.number, "pid", w.pid(), "cause", cause)
	case sl.starting == w:
		sl.starting = nil
		if w.message == "" {
			w.message = fmt.Sprintf("worker %d %s before it had loaded the application", w.number, cause)
		}
		s.startFailed(sl, w.message, w.traceback)
	default:
		sl.serving = nil
		s.died(sl, w, cause)
	}
}

func (s *supervisor) died(sl *slot, w *worker, cause string) {
	attrs := []any{"event", "worker.died", "worker", w.number, "pid", w.pid(), "cause", cause}
	if running := w.running(s.Settings.Threads); running != "" {
		attrs = append(attrs, "running", running)
	}
	s.Log.Error("worker died", attrs...)
	switch {
	case !s.started:
		s.fail(sl.number, fmt.Sprintf("worker %d %s right after its start", w.number, cause), "")
	case time.Since(w.ready) >= settled:
		sl.failures = 0
		s.arrange()
	case sl.starting != nil:
	default:
		s.tryAgain(sl, fmt.Sprintf("worker %d %s right after its start", w.number, cause), "")
	}
}

// startFailed deals with a worker that could not start. The first time that is
// the end; in a reload, the end of the reload; else it is tried again.
func (s *supervisor) startFailed(sl *slot, message, traceback string) {
	switch {
	case s.stopping != no:
	case !s.started:
		s.fail(sl.number, message, traceback)
	case s.abandonReload(message, traceback):
	default:
		s.Log.Error("worker cannot start", "event", "worker.failed", "worker", sl.number, "reason", message, "traceback", traceback)
		s.tryAgain(sl, message, traceback)
	}
}

// tryAgain starts a worker in the place of one that ended early, less and less
// often, until start_limit.
func (s *supervisor) tryAgain(sl *slot, message, traceback string) {
	if s.stopping != no {
		return
	}
	sl.failures++
	if limit := s.Settings.StartLimit; limit > 0 && sl.failures >= limit && sl.serving == nil && !s.Settings.Reload {
		s.fail(sl.number, fmt.Sprintf("worker %d failed to start %d times in a row (--start-limit), the last time because: %s",
			sl.number, sl.failures, message), traceback)
		return
	}
	wait := pause(sl.failures)
	if sl.serving != nil {
		wait = max(wait, time.Second) // the old one serves: there is no hurry
	}
	if wait == 0 {
		s.arrange()
		return
	}
	s.Log.Warn("worker waits to be started", "event", "worker.delayed", "worker", sl.number, "wait", wait)
	sl.waiting = true
	s.after(wait, func() {
		sl.waiting = false
		s.arrange()
	})
}

// pause is how long to wait after so many early ends in a row: not at all
// after the first, then 1 s, 2 s, 4 s and so on.
func pause(failures int) time.Duration {
	if failures < 2 {
		return 0
	}
	return min(time.Second<<min(failures-2, 10), longestPause)
}

// addWorker is SIGTTIN.
func (s *supervisor) addWorker() {
	if s.stopping != no {
		return
	}
	number := 1
	for s.slots[number] != nil {
		number++
	}
	s.slots[number] = &slot{number: number}
	s.Log.Info("one worker more", "event", "workers.changed", "workers", len(s.slots))
	s.arrange()
}

// removeWorker is SIGTTOU.
func (s *supervisor) removeWorker() {
	if s.stopping != no {
		return
	}
	if len(s.slots) == 1 {
		s.Log.Warn("the last worker stays", "event", "workers.changed", "workers", 1)
		return
	}
	s.remove(s.slots[slices.Max(slices.Collect(maps.Keys(s.slots)))])
	s.Log.Info("one worker less", "event", "workers.changed", "workers", len(s.slots))
}

// remove gives a slot up.
func (s *supervisor) remove(sl *slot) {
	delete(s.slots, sl.number)
	sl.giveUpStart()
	if sl.serving != nil {
		s.drain(sl.serving, lingerReplaced)
	}
	s.announce()
	s.arrange()
}

// setWorkers makes n slots of those that there are.
func (s *supervisor) setWorkers(n int) {
	for number := 1; number <= n; number++ {
		if s.slots[number] == nil {
			s.slots[number] = &slot{number: number}
		}
	}
	for _, number := range slices.Sorted(maps.Keys(s.slots)) {
		if number > n {
			s.remove(s.slots[number])
		}
	}
}
