package supervisor

import (
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gowsgi/gowsgi/internal/listen"
)

// stopping says how far a stop has gone. It only ever rises.
type stopping int

const (
	no stopping = iota
	gracefully
	quickly
)

// patience is how long a worker may take longer than it was given. It knows its
// time and ends by itself, having logged what it had to cut off; killing is for
// one that cannot even do that.
const patience = 2 * time.Second

// How long idle connections stay open when a worker drains: their clients may be
// sending the next request at this moment. Clients that are busy are gone after
// that, the others have nothing to lose.
const (
	lingerReplaced = 2 * time.Second        // another worker serves: nobody waits for this one
	lingerStopped  = 500 * time.Millisecond // somebody may be waiting for the prompt
)

// interruptedGrace is what SIGINT leaves of graceful_timeout: somebody sits in
// front of it.
const interruptedGrace = 5 * time.Second

// stopGracefully lets workers finish what they are doing within timeout; reason
// is a signal's name or another word.
func (s *supervisor) stopGracefully(reason string, timeout time.Duration) {
	if s.stopping != no {
		return
	}
	if timeout == 0 {
		s.hurry(reason)
		return
	}
	s.Log.Info("stopping", "event", "gowsgi.stopping", "reason", reason, "timeout_seconds", timeout.Seconds())
	s.stopping = gracefully
	s.upgrade.stop()
	s.endNurseries()
	linger, last := lingerStopped, true
	if s.anotherServes() {
		linger, last = lingerReplaced, false
	} else {
		s.systemd.Stopping("finishing what runs")
		for _, l := range s.held() {
			l.Hide()
		}
	}
	for w := range s.workers {
		if w.ready.IsZero() {
			w.kill() // it serves nobody
		} else {
			w.drain(linger, timeout, last)
		}
	}
	s.deadline = time.After(timeout + patience)
}

// hurry stops quickly, and at once if that is under way already.
func (s *supervisor) hurry(reason string) {
	if s.stopping == quickly {
		s.kill()
		return
	}
	s.Log.Info("stopping at once", "event", "gowsgi.stopping", "reason", reason)
	if !s.anotherServes() {
		s.systemd.Stopping("at once")
	}
	s.stopQuickly()
}

func (s *supervisor) stopQuickly() {
	s.stopping = quickly
	s.upgrade.stop()
	s.endNurseries()
	s.closeListeners()
	for w := range s.workers {
		switch {
		case w.failed:
		case w.ready.IsZero():
			// It may not listen to signals yet, and Go answers this one with the
			// stacks of all goroutines. It serves nobody, so nothing is lost.
			w.kill()
		default:
			w.signal(syscall.SIGQUIT)
		}
	}
	s.deadline = time.After(patience)
}

// kill ends the workers that have not stopped in time.
func (s *supervisor) kill() {
	s.deadline = nil
	for n := range s.nurseries {
		n.kill()
	}
	if len(s.workers) == 0 {
		return
	}
	workers := slices.Collect(maps.Keys(s.workers))
	s.Log.Warn("workers killed, they did not stop in time", append([]any{"event", "worker.killed", "count", len(workers)}, s.cutOff(workers...)...)...)
	for _, w := range workers {
		w.kill()
	}
}

// cutOff is, for a record, what workers are doing that are about to be killed: they
// may not be able to say so themselves.
func (s *supervisor) cutOff(workers ...*worker) (attrs []any) {
	var running []string
	for _, w := range workers {
		if text := w.running(s.Settings.Threads); text != "" {
			running = append(running, text)
		}
	}
	if running == nil {
		return nil
	}
	return []any{"running", strings.Join(running, ", ")}
}

// held are the sockets of the present deployment and, while it is being tried,
// those of the one before.
func (s *supervisor) held() []*listen.Listener {
	held := slices.Clone(s.listeners)
	if s.reload.phase == trying {
		for _, l := range s.reload.oldListeners {
			if !slices.Contains(held, l) {
				held = append(held, l)
			}
		}
	}
	return held
}

// closeListeners gives the sockets up: for good, or to a new gowsgi.
func (s *supervisor) closeListeners() {
	for _, l := range s.held() {
		if s.upgrade.done {
			l.Release()
		} else {
			l.Close()
		}
	}
	s.listeners, s.reload.oldListeners = nil, nil
}
