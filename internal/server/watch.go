package server

import (
	"context"
	"sync"
	"time"
)

// How long a client that left goes unnoticed while its request waits or runs.
const watchInterval = 100 * time.Millisecond

// flights are the requests that are queued or inside Python. A goroutine looks
// them over now and then: cheaper than a timer or a second channel for each.
type flights struct {
	mu    sync.Mutex
	first *exchange
}

// flight is an exchange's place in the list.
type flight struct {
	next, previous *exchange
	generation     uint64
	seen           bool // by look, once
	aborted        bool
}

func (f *flights) add(x *exchange) {
	x.flight.generation = x.req.Generation()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first != nil {
		f.first.flight.previous = x
	}
	x.flight.next = f.first
	f.first = x
}

func (f *flights) remove(x *exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x.flight.previous != nil {
		x.flight.previous.flight.next = x.flight.next
	} else {
		f.first = x.flight.next
	}
	if x.flight.next != nil {
		x.flight.next.flight.previous = x.flight.previous
	}
}

func (f *flights) watch(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, act := range f.look() {
			act()
		}
	}
}

// look lists what to do. Requests that have been here since the last look are
// listened to for their clients; those whose client has left are taken out of
// the queue, or their response is ended. It is done without the lock, when the
// exchange may be over: the generation tells.
func (f *flights) look() []func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	var todo []func()
	for x := f.first; x != nil; x = x.flight.next {
		switch {
		case !x.flight.seen:
			x.flight.seen = true
			todo = append(todo, x.conn.listen)
		case !x.flight.aborted && x.r.Context().Err() != nil:
			x.flight.aborted = true
			req, generation := x.req, x.flight.generation
			todo = append(todo, func() {
				if !req.Cancel(generation) {
					req.Abort(generation)
				}
			})
		}
	}
	return todo
}
