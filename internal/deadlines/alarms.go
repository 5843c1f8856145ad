package deadlines

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

// lookAround lists what to do about all of them together. Lock: held.
func (w *Watcher) lookAround(now time.Time) (todo []func()) {
	if held := w.queue.Left(now); held > 0 {
		todo = append(todo, func() {
			w.log.Warn("more requests waited too long for a Python thread", "event", "request.queue_timeout", "suppressed", held)
		})
	}
	if held := w.slow.Left(now); held > 0 {
		todo = append(todo, func() {
			w.log.Warn("more requests take longer than slow_request_threshold", "event", "request.slow", "suppressed", held)
		})
	}
	if limit := w.settings.DeadlockTimeout; limit > 0 && !w.deadlocked {
		if stuck := w.app.Unresponsive(); stuck >= limit {
			w.deadlocked = true
			todo = append(todo, func() { go w.reportDeadlock(stuck) })
		}
	}
	return todo
}

// reportDeadlock logs what holds the GIL, and gives the worker up.
func (w *Watcher) reportDeadlock(stuck time.Duration) {
	w.log.Error("no thread could get the GIL for longer than deadlock_timeout: the worker is to be replaced",
		"event", "worker.deadlock", "seconds", seconds(stuck), "stack", w.stacks(0).all(nil))
	w.replace("the GIL has been stuck for "+stuck.Round(time.Second).String(), true)
}

// replace asks for another worker, once, and once more if this one turns out to
// be beyond hope.
func (w *Watcher) replace(reason string, hopeless bool) {
	once := &w.hopeful
	if hopeless {
		once = &w.hopeless
	}
	if w.replaced != nil {
		once.Do(func() { w.replaced(reason, hopeless) })
	}
}
