package server

import (
	"sync"
	"time"
)

// alarms is what the watcher has to say about all requests together.
type alarms struct {
	queue, slow sparing // records of requests that waited, that are slow
	deadlocked  bool    // was reported; the watcher's
	hopeful     sync.Once
	hopeless    sync.Once
}

// slowPerSecond is how many requests a second are reported as slow: each costs
// a look at all stacks.
const slowPerSecond = 3

// look lists what to do. Lock: flights.mu.
func (a *alarms) look(h *handler, now time.Time) (todo []func()) {
	if held := a.queue.left(now); held > 0 {
		todo = append(todo, func() {
			h.log.Warn("more requests waited too long for a Python thread", "event", "request.queue_timeout", "suppressed", held)
		})
	}
	if held := a.slow.left(now); held > 0 {
		todo = append(todo, func() {
			h.log.Warn("more requests take longer than slow_request_threshold", "event", "request.slow", "suppressed", held)
		})
	}
	if limit := h.settings.DeadlockTimeout; limit > 0 && !a.deadlocked {
		if stuck := h.app.Unresponsive(); stuck >= limit {
			a.deadlocked = true
			todo = append(todo, func() { go h.reportDeadlock(stuck) })
		}
	}
	return todo
}

// reportDeadlock logs what holds the GIL, and gives the worker up.
func (h *handler) reportDeadlock(stuck time.Duration) {
	h.log.Error("no thread could get the GIL for longer than deadlock_timeout: the worker is to be replaced",
		"event", "worker.deadlock", "seconds", seconds(stuck), "stack", h.stacks(0).all(nil))
	h.flights.replace(h, "the GIL has been stuck for "+stuck.Round(time.Second).String(), true)
}

// replace asks for another worker, once, and once more if this one turns out to
// be beyond hope.
func (a *alarms) replace(h *handler, reason string, hopeless bool) {
	once := &a.hopeful
	if hopeless {
		once = &a.hopeless
	}
	if h.hooks.Replace != nil {
		once.Do(func() { h.hooks.Replace(reason, hopeless) })
	}
}

// sparing lets a few records of a kind through in each second and counts the
// others, so that a server in trouble does not fill its log.
type sparing struct {
	mu     sync.Mutex
	second time.Time
	passed int
	held   int
}

// pass tells whether a record may be written, one of so many in a second, and
// how many before it were not.
func (s *sparing) pass(now time.Time, each int) (held int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.second) >= time.Second {
		s.second, s.passed = now, 0
	}
	if s.passed == each {
		s.held++
		return 0, false
	}
	s.passed++
	held, s.held = s.held, 0
	return held, true
}

// left takes the number of those that nobody has told of for a second.
func (s *sparing) left(now time.Time) (held int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.second) >= time.Second {
		held, s.held = s.held, 0
	}
	return held
}

// suppressed is the attribute for it.
func suppressed(held int) []any {
	if held == 0 {
		return nil
	}
	return []any{"suppressed", held}
}
