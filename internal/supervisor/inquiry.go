package supervisor

import (
	"context"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
)

// inquiries are what workers were asked and have not answered. Only the loop
// uses them.
type inquiries struct {
	last uint64
	open map[uint64]inquiry
}

type inquiry struct {
	worker *worker
	answer chan<- control.Report // has room
}

// mostOpen is how much a worker is asked at once. One that does not answer is not
// asked any more, or its socket would be full one day, and the loop wait for it.
const mostOpen = 8

// inquire asks a worker; the answer comes, if it does, without anybody waiting
// for it. Nil: it has too much to answer.
func (s *supervisor) inquire(w *worker, kind string) <-chan control.Report {
	q := &s.inquiries
	open := 0
	for _, other := range q.open {
		if other.worker == w {
			open++
		}
	}
	if open >= mostOpen {
		return nil
	}
	if q.open == nil {
		q.open = map[uint64]inquiry{}
	}
	q.last++
	answer := make(chan control.Report, 1)
	q.open[q.last] = inquiry{w, answer}
	w.tell(control.Order{Kind: kind, ID: q.last})
	return answer
}

// answered passes a worker's answer on.
func (s *supervisor) answered(w *worker, r control.Report) {
	if q, ok := s.inquiries.open[r.ID]; ok && q.worker == w {
		delete(s.inquiries.open, r.ID)
		q.answer <- r
	}
}

// forget gives up what a worker that is gone has not answered.
func (s *supervisor) forget(w *worker) {
	for id, q := range s.inquiries.open {
		if q.worker == w {
			delete(s.inquiries.open, id)
			close(q.answer)
		}
	}
}

// heard waits for an answer until late. False: there was none.
func heard(answer <-chan control.Report, late <-chan time.Time) (control.Report, bool) {
	if answer == nil {
		return control.Report{}, false
	}
	select {
	case r, ok := <-answer:
		return r, ok
	default:
	}
	select {
	case r, ok := <-answer:
		return r, ok
	case <-late:
		return control.Report{}, false
	}
}

// consult has the loop do something and waits until it is done. After an error it
// is not done, and will not be: what do fills in is the caller's again.
func (s *supervisor) consult(ctx context.Context, do event) error {
	var mu sync.Mutex
	var abandoned bool
	done := make(chan struct{})
	go s.post(func() {
		mu.Lock()
		defer mu.Unlock()
		if !abandoned {
			do()
			close(done)
		}
	})
	var err error = errOver
	select {
	case <-done:
		return nil
	case <-s.done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	mu.Lock()
	defer mu.Unlock()
	select {
	case <-done: // meanwhile
		return nil
	default:
	}
	abandoned = true
	return err
}
