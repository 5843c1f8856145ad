package supervisor

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/gowsgi/gowsgi/internal/nursery"
	"github.com/gowsgi/gowsgi/internal/reap"
	"github.com/gowsgi/gowsgi/internal/scarcity"
)

// preload is how the present deployment comes by its workers.
type preload struct {
	nursery  *nurse // nil: none
	plain    bool   // it does not work with this application: workers are started
	failures int    // early ends of nurseries in a row
	rest     time.Time
}

// nursed tells whether workers can be started now. They cannot while there should
// be a nursery and it has not loaded the application; nursed sees to that.
func (s *supervisor) nursed() bool {
	p := &s.preload
	if !s.Settings.Preload || s.Settings.Reload || s.Settings.Debug || p.plain {
		return true
	}
	if p.nursery == nil && !time.Now().Before(p.rest) {
		if err := s.startNursery(); err != nil {
			s.nurseryFailed("worker 1 cannot be started: "+whyNotStarted(s.Options, err), "")
		}
	}
	return p.plain || p.nursery != nil && !p.nursery.loaded.IsZero()
}

// adopt makes gowsgi the parent of what its children leave behind: workers, and
// the application's orphans, as in a container.
func (s *supervisor) adopt() error {
	if s.adopts {
		return nil
	}
	if err := nursery.Adopt(); err != nil {
		return err
	}
	s.adopts = true
	s.stopReaping()
	s.reapOrphans()
	return nil
}

func (s *supervisor) reapOrphans() {
	s.stopReaping = reap.Start(func(pid int) bool {
		_, ours := s.children.Load(pid)
		return ours || s.ordered.Load() > 0 // it may be one whose id is on its way
	})
}

// servePlainly gives preloading up for this deployment. reason is empty if it has
// been said.
func (s *supervisor) servePlainly(reason string) {
	if reason != "" {
		s.Log.Warn("--preload is passed over, each worker loads the application for itself: "+reason, "event", "nursery.unsupported")
	}
	s.preload.end()
	s.preload = preload{plain: true}
}

func (p *preload) end() {
	if p.nursery != nil {
		p.nursery.end()
	}
}

func (s *supervisor) endNurseries() {
	for n := range s.nurseries {
		n.end()
	}
}

// forkTimeout is how long a nursery may take for a worker, on a machine that
// swaps: one that is stopped answers never.
const forkTimeout = 5 * time.Second

// fork orders a worker from the nursery. Its process is there once forked is
// called. nil without an error: the nursery does not listen, and will be replaced.
func (s *supervisor) fork(number int) (*worker, error) {
	w, files, err := newWorker(s.Options, s.listeners, number)
	if err != nil {
		return nil, err
	}
	defer files[0].Close()
	n := s.preload.nursery
	if err := n.socket.Order(title(number, s.Settings), append(files, s.Stdout, s.Stderr)...); err != nil {
		w.discard()
		s.preload.nursery = nil
		n.kill() // it is dead, or does not listen
		s.nurseryFailed(fmt.Sprintf("worker %d cannot be forked: the process that has loaded the application does not listen: %v", number, err), "")
		return nil, nil
	}
	w.talk.held = true
	w.tell(w.plan) // first of all that it will be told
	n.orders = append(n.orders, w)
	s.ordered.Add(1)
	s.after(forkTimeout, func() {
		if _, here := s.nurseries[n]; here && slices.Contains(n.orders, w) {
			n.message = "the process that has loaded the application did not answer within " + forkTimeout.String() +
				": was it stopped, or does a function of os.register_at_fork wait for something?"
			n.kill()
		}
	})
	return w, nil
}

// forked is the answer to an order, of the nursery with process id from.
func (s *supervisor) forked(w *worker, m *nursery.Forked, from int) {
	defer s.ordered.Add(-1) // from here on the process is known
	err := m.Err
	if err == nil {
		var process *os.Process
		process, err = m.Process(from)
		if _, known := s.children.Load(m.PID); known && err == nil {
			err = fmt.Errorf("process %d is another one", m.PID)
		}
		if err == nil {
			w.process = process
			s.follow(w)
			w.talk.begin(w.control)
			if w.doomed {
				w.kill()
			}
			return
		}
	}
	w.message = fmt.Sprintf("worker %d cannot be forked: %s", w.number, cmp.Or(scarcity.Of(err), err.Error()))
	w.control.Close()
	s.gone(w)
}

// nurseryFailed deals with an application that cannot be loaded, as startFailed
// does with a worker.
func (s *supervisor) nurseryFailed(message, traceback string) {
	switch {
	case s.stopping != no:
	case !s.started:
		s.fail(&StartError{Worker: 1, Message: message, Traceback: traceback})
	case s.abandonReload(message, traceback):
	default:
		s.Log.Error("the application cannot be loaded anew", "event", "nursery.failed", "reason", message, "traceback", traceback)
		if limit := s.Settings.StartLimit; limit > 0 && s.preload.failures+1 >= limit && !s.serves() && !s.isProven() {
			s.fail(&StartError{Worker: 1, Traceback: traceback, Message: fmt.Sprintf(
				"the application could not be loaded %d times in a row (--start-limit), the last time because: %s", s.preload.failures+1, message)})
			return
		}
		s.nurseryRests()
	}
}

// nurseryRests starts the next nursery, less and less often.
func (s *supervisor) nurseryRests() {
	s.preload.failures++
	if wait := pause(s.preload.failures); wait > 0 {
		s.Log.Warn("the application waits to be loaded anew", "event", "nursery.delayed", "wait_seconds", wait.Seconds())
		s.preload.rest = time.Now().Add(wait)
		s.after(wait, s.arrange)
	}
	s.arrange()
}
