package supervisor

import (
	"log/slog"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/operator"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// past is what is over, in numbers that only grow. Only the loop uses it, but
// for events.
type past struct {
	sum     tally.Sum // of workers that are gone
	starts  uint64    // of workers
	ends    map[string]uint64
	slots   map[int]pastSlot  // by the number of the worker
	reloads map[string]uint64 // by their outcome
	reload  *operator.Reload  // the last one; nil: none
	// reloadsEnded is how many there were, of either outcome.
	reloadsEnded int
	events       events
}

// pastSlot is what became of the workers of one number.
type pastSlot struct {
	restarts int
	cause    string // of the last one's end
}

// reloadEnded notes how a reload has ended; reason says why it failed.
func (s *supervisor) reloadEnded(outcome, reason string) {
	count(&s.past.reloads, outcome)
	s.past.reloadsEnded++
	s.past.reload = &operator.Reload{Ended: time.Now(), Seconds: time.Since(s.reload.began).Seconds(), Reason: reason}
}

// events counts this process's own records of the log, from any goroutine.
type events struct {
	mu     sync.Mutex
	counts map[string]uint64
	levels tally.Figures
}

func (e *events) count(event string, level slog.Level, traceback bool) {
	e.levels.Log(level, traceback)
	if event == "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counts == nil {
		e.counts = map[string]uint64{}
	}
	e.counts[event]++
}

func (e *events) addTo(counts map[string]uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for event, n := range e.counts {
		counts[event] += n
	}
}

// Ways in which workers end.
const (
	endStopped  = "stopped"  // as they were told
	endReplaced = "replaced" // another one serves in its place
	endDied     = "died"
	endFailed   = "failed" // before it served
)

// Outcomes of a reload.
const (
	reloadDone   = "done"
	reloadFailed = "failed"
)

// count adds one to a counter that may not be there yet.
func count(counters *map[string]uint64, name string) {
	if *counters == nil {
		*counters = map[string]uint64{}
	}
	(*counters)[name]++
}

// fold adds a worker that is gone to what is over. cause says how it ended.
func (s *supervisor) fold(w *worker, cause string) {
	s.past.sum.Fold(w.mounts, w.page)
	_ = w.page.Close()
	w.page = nil
	end := s.endOf(w)
	count(&s.past.ends, end)
	if s.past.slots == nil {
		s.past.slots = map[int]pastSlot{}
	}
	switch {
	case end == endReplaced && w.reason != "":
		cause = w.reason
	case w.message != "":
		cause = w.message
	}
	s.past.slots[w.number] = pastSlot{s.past.slots[w.number].restarts + 1, cause}
}

// endOf says how a worker has ended. It is still in its slot.
func (s *supervisor) endOf(w *worker) string {
	sl := s.slots[w.number]
	switch {
	case s.stopping != no:
		return endStopped
	case w.ready.IsZero():
		return endFailed
	case sl != nil && sl.serving == w:
		return endDied
	default:
		return endReplaced
	}
}

// figures is what all workers have done, those that are gone and those that are
// not. It never falls as long as this gowsgi lives.
func (s *supervisor) figures() tally.Sum {
	sum := s.past.sum.Clone()
	for w := range s.workers {
		sum.Fold(w.mounts, w.page)
	}
	s.past.events.addTo(sum.Events)
	return sum
}
