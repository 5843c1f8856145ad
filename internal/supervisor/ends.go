package supervisor

import (
	"cmp"
	"fmt"
	"time"

	"github.com/gowsgi/gowsgi/internal/scarcity"
)

// What becomes of a slot when its worker has come to an end, or could not start.

// longestPause is the longest time between two attempts to start a worker.
const longestPause = 30 * time.Second

// gone is the last that is heard of a worker.
func (s *supervisor) gone(w *worker) {
	if w.hasServed() {
		s.proven[w.generation] = true
	}
	delete(s.workers, w)
	defer func() { _ = w.board.Close() }()
	s.children.Delete(w.pid())
	sl := s.slots[w.number]
	if sl == nil || sl.serving == nil || sl.serving == w {
		s.shares.Clear(w.number)
	}
	cause := cause(w.state, w.oom)
	s.fold(w, cause)
	s.forget(w)
	switch {
	case s.stopping != no || sl == nil || sl.serving != w && sl.starting != w:
		s.Log.Debug("worker stopped", "event", "worker.stopped", "worker", w.number, "pid", w.pid(), "cause", cause)
		if report := w.board.Report(); report != "" {
			s.Log.Error("worker crashed while it stopped", "event", "worker.died", "worker", w.number, "pid", w.pid(), "cause", cause, "report", report)
		}
	case sl.starting == w:
		sl.starting = nil
		w.traceback = cmp.Or(w.traceback, w.board.Report())
		if w.message == "" {
			w.message = fmt.Sprintf("worker %d %s before it had loaded the application", w.number, cause)
			if running := w.running(1); running != "" { // --warmup
				w.message = fmt.Sprintf("worker %d %s before it was ready, while it ran %s", w.number, cause, running)
			}
			if space := scarcity.OfAddressSpace(); space != "" { // there is no end that would tell
				w.message += ": " + space
			}
		}
		s.startFailed(sl, &StartError{Worker: w.number, Message: w.message, Traceback: w.traceback, Wrong: w.wrong})
	default:
		sl.serving = nil
		s.died(sl, w, cause)
	}
}

// died deals with the end of a worker that has been ready. That is none of
// start_limit's: it was a request, or somebody's kill. It is replaced at once,
// unless it came to an early end again: then it takes pauses.
func (s *supervisor) died(sl *slot, w *worker, cause string) {
	attrs := []any{"event", "worker.died", "worker", w.number, "pid", w.pid(), "cause", cause}
	if running := w.running(s.Settings.Threads); running != "" {
		attrs = append(attrs, "running", running)
	}
	if report := w.board.Report(); report != "" {
		attrs = append(attrs, "report", report)
	}
	s.Log.Error("worker died", attrs...)
	switch {
	case !w.isEarly():
		sl.recovered()
		s.arrange()
	case !s.started && s.predecessor != nil: // which goes on
		s.fail(&StartError{Worker: w.number, Message: fmt.Sprintf("worker %d %s right after its start", w.number, cause)})
	case sl.starting != nil:
	default:
		s.tryAgain(sl, "it ended right after its start")
	}
}

// startFailed deals with a worker that could not start. The first time that is
// the end; in a reload, the end of the reload; else it is tried again, until
// start_limit if that can be: a deployment that has answered requests is known
// to work, and while others serve there is something to lose.
func (s *supervisor) startFailed(sl *slot, why *StartError) {
	switch {
	case s.stopping != no:
	case !s.started && !sl.held:
		s.fail(why)
	case s.abandonReload(why.Message, why.Traceback):
	default:
		s.Log.Error("worker cannot start", "event", "worker.failed", "worker", sl.number, "reason", why.Message, "traceback", why.Traceback)
		sl.failures++
		if limit := s.Settings.StartLimit; limit > 0 && sl.failures >= limit && !s.Settings.Reload && !s.serves() && !s.isProven() {
			last := *why
			last.Message = fmt.Sprintf("worker %d failed to start %d times in a row (--start-limit), the last time because: %s", sl.number, sl.failures, why.Message)
			s.fail(&last)
			return
		}
		s.tryAgain(sl, "it cannot start")
	}
}

// serves tells whether any worker does.
func (s *supervisor) serves() bool {
	for _, sl := range s.slots {
		if sl.serving != nil {
			return true
		}
	}
	return false
}

// isProven tells whether this deployment has had a request.
func (s *supervisor) isProven() bool {
	for w := range s.workers {
		if w.generation == s.generation && w.hasServed() {
			return true
		}
	}
	return s.proven[s.generation]
}

// tryAgain starts a worker in the place of one that came to an early end, less
// and less often.
func (s *supervisor) tryAgain(sl *slot, reason string) {
	sl.early++
	wait := pause(sl.early)
	if sl.serving != nil {
		wait = max(wait, time.Second) // the old one serves: there is no hurry
	}
	if wait > 0 {
		s.Log.Warn("worker waits to be started", "event", "worker.delayed", "worker", sl.number, "wait_seconds", wait.Seconds())
		sl.rest, sl.trouble = time.Now().Add(wait), reason
		s.after(wait, s.arrange)
	}
	s.arrange()
}

// pause is how long to wait after so many early ends in a row: not at all
// after the first, then 1 s, 2 s, 4 s and so on.
func pause(failures int) time.Duration {
	if failures < 2 {
		return 0
	}
	return min(time.Second<<min(failures-2, 10), longestPause)
}
