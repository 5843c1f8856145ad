package server

import (
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/logging"
)

// alarms is what the watcher has to say about all requests together.
type alarms struct {
	queue, slow logging.Ration // records of requests that waited, that are slow
	deadlocked  bool           // was reported; the watcher's
	hopeful     sync.Once
	hopeless    sync.Once
}

// slowPerSecond is how many requests a second are reported as slow: each costs
// a look at all stacks.
const slowPerSecond = 3

// look lists what to do. Lock: flights.mu.
func (a *alarms) look(h *handler, now time.Time) (todo []func()) {
	if held := a.queue.Left(now); held > 0 {
		todo = append(todo, func() {
			h.log.Warn("more requests waited too long for a Python thread", "event", "request.queue_timeout", "suppressed", held)
		})
	}
	if held := a.slow.Left(now); held > 0 {
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
