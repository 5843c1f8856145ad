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
	serving  *worker   // nil: none
	starting *worker   // nil: none
	held     bool      // a worker of it has been ready
	failures int       // starts in a row that failed: start_limit counts them
	early    int       // failed starts and other early ends in a row: they make pauses
	rest     time.Time // no attempt to start before that
	trouble  string    // why there are pauses, once there are
}

func (sl *slot) resting() bool { return time.Now().Before(sl.rest) }

// troubled: its workers come to an early end, and it is not over.
func (sl *slot) troubled() bool {
	return sl.early > 0 && (sl.serving == nil || sl.serving.isEarly())
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
	sl.recovered()
}

// recovered: what comes next begins anew.
func (sl *slot) recovered() { sl.failures, sl.early, sl.rest = 0, 0, time.Time{} }

// settled: a worker that has been ready this long has not come to an early end.
const settled = time.Second

// arrange starts what is missing. Empty slots are filled at once. Workers that
// are to be replaced get a successor one after the other: memory for one more
// is enough, and if the first cannot start, the others are still there. A
// deployment whose workers come to an early end replaces no other.
func (s *supervisor) arrange() {
	if s.stopping != no || !s.nursed() {
		return
	}
	for _, n := range slices.Sorted(maps.Keys(s.slots)) {
		if sl := s.slots[n]; sl.serving == nil && sl.starting == nil && !sl.resting() {
			s.start(sl)
		}
		if s.stopping != no {
			return
		}
	}
	troubled := s.troubled()
	for _, sl := range s.slots {
		if troubled && sl.serving != nil && sl.serving.reason == reasonReload {
			sl.giveUpStart()
		}
		if sl.serving != nil && sl.starting != nil {
			return // one after the other
		}
	}
	for _, n := range slices.Sorted(maps.Keys(s.slots)) {
		sl := s.slots[n]
		if w := sl.serving; w != nil && !sl.resting() && s.outdated(w) && (!troubled || w.reason != reasonReload) {
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

func (s *supervisor) troubled() bool {
	for _, sl := range s.slots {
		if sl.troubled() {
			return true
		}
	}
	return false
}

func (s *supervisor) start(sl *slot) {
	w, err := s.makeWorker(sl.number)
	if err != nil {
		s.startFailed(sl, &StartError{Worker: sl.number, Message: fmt.Sprintf("worker %d cannot be started: %s", sl.number, whyNotStarted(s.Options, err))})
		return
	}
	if w == nil { // the nursery's end is dealt with elsewhere
		return
	}
	w.generation = s.generation
	sl.starting = w
	s.workers[w] = struct{}{}
	s.past.starts++
	if w.process != nil {
		s.follow(w)
	}
	if timeout := s.Settings.StartupTimeout; timeout > 0 {
		s.after(timeout, func() { s.startsTooLong(w, timeout) })
	}
}

func (s *supervisor) makeWorker(number int) (*worker, error) {
	if s.preload.nursery != nil {
		return s.fork(number)
	}
	return startWorker(s.Options, s.listeners, number, false)
}

// follow watches a worker from when there is a process.
func (s *supervisor) follow(w *worker) {
	s.children.Store(w.pid(), w)
	s.Log.Debug("worker started", "event", "worker.started", "worker", w.number, "pid", w.pid())
	go w.watch(
		func(r control.Report) { s.post(func() { s.reported(w, r) }) },
		func() { s.post(func() { s.gone(w) }) },
	)
}

// tooLong is said when an application does not load within startup_timeout.
func tooLong(worker int, timeout time.Duration) string {
	return fmt.Sprintf("worker %d did not load the application within %s: is it waiting for something? "+
		"Give it more time with --startup-timeout", worker, timeout)
}

func (s *supervisor) startsTooLong(w *worker, timeout time.Duration) {
	if sl := s.slots[w.number]; sl == nil || sl.starting != w || w.failed {
		return
	}
	w.failed = true
	w.message = tooLong(w.number, timeout)
	// A worker that starts has no other request than this one.
	if warmup := s.Settings.Warmup; warmup != "" && w.running(1) != "" {
		w.message = fmt.Sprintf("worker %d has loaded the application, but that did not answer --warmup %s in what was left of %s: "+
			"is it waiting for something? Give it more time with --startup-timeout", w.number, warmup, timeout)
	}
	// It has a moment to say where it hangs.
	w.tell(control.Order{Kind: control.Tell})
	s.after(patience, w.kill)
}

func (s *supervisor) reported(w *worker, r control.Report) {
	sl := s.slots[w.number]
	switch r.Kind {
	case control.Ready:
		if s.stopping == no && sl != nil && sl.starting == w && !w.failed {
			s.ready(sl, r.Seconds)
		}
	case control.Failed:
		w.failed = true // it exits by itself
		w.message, w.traceback, w.wrong = r.Message, r.Traceback, r.Wrong
	case control.Replace:
		if sl != nil && sl.serving == w && w.reason == "" {
			w.reason, w.hopeless = r.Message, r.Hopeless
			s.arrange()
		}
	case control.Stack:
		w.traceback = r.Traceback
		w.kill()
	case control.Inquire:
		s.inquired(w, r)
	case control.Asked:
		s.asked(w, r)
	case control.Answer:
		s.answered(w, r)
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
	sl.held, sl.failures = true, 0
	w.ready = time.Now()
	w.tell(control.Order{Kind: control.Serve})
	if s.leaving {
		w.tell(control.Order{Kind: control.Leave})
	}
	s.Log.Info("application loaded", "event", "application.loaded",
		"worker", w.number, "pid", w.pid(), "seconds", milliseconds(seconds), "ready_seconds", milliseconds(w.ready.Sub(w.started).Seconds()))
	s.limitLifetime(w)
	if w.generation == s.generation {
		s.passTrial()
	}
	if old != nil {
		sl.early = 0
		s.drain(old, lingerReplaced)
	}
	if sl.early > 0 {
		s.after(settled, func() { s.settle(w) })
	}
	s.announce()
	s.arrange()
}

// milliseconds are seconds as a log has them.
func milliseconds(seconds float64) float64 { return math.Round(seconds*1000) / 1000 }

// settle ends a slot's troubles if its worker has come through.
func (s *supervisor) settle(w *worker) {
	if sl := s.slots[w.number]; s.stopping == no && sl != nil && sl.serving == w {
		sl.early = 0
		s.arrange()
	}
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
	s.obtain()
	s.tellReady()
}

// drain lets a worker finish what it has and end; another one has its place.
func (s *supervisor) drain(w *worker, linger time.Duration) {
	if w.hopeless {
		w.kill()
		return
	}
	s.Log.Debug("worker drains", "event", "worker.draining", "worker", w.number, "pid", w.pid())
	w.drain(linger, s.Settings.GracefulTimeout, false)
	s.sayWaiting(w, time.Now(), firstWaiting)
	s.after(s.Settings.GracefulTimeout+patience, func() {
		if _, here := s.workers[w]; here {
			attrs := []any{"event", "worker.killed", "worker", w.number, "pid", w.pid()}
			s.Log.Warn("worker killed, it did not stop in time", append(attrs, s.cutOff(w)...)...)
			w.kill()
		}
	})
}
