package server

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/gil"
)

// How long anything about a request that waits or runs goes unnoticed: that its
// client has left, that it takes too long.
const watchInterval = 100 * time.Millisecond

// flights are the requests that are queued or inside Python. A goroutine looks
// them over now and then: cheaper than timers or a second channel for each, and
// a small request is over before anybody has looked.
type flights struct {
	h *handler

	mu     sync.Mutex
	first  *exchange
	served int64 // requests that the application is done with
	most   int64 // of them, before another worker takes over; 0: any number

	// The watcher's.
	seen   int64 // served, at the last look
	active time.Time
	alarms
}

// flight is an exchange's place in the list, and what is known of its way
// through Python.
type flight struct {
	next, previous *exchange
	req            *embed.Request // stays when the exchange has let go of it
	generation     uint64

	// steps counts what the exchange does with batches of the response. It is
	// odd while one is written.
	steps atomic.Uint32
	// silent is the verdict of the watcher, for the exchange to carry out:
	// steps + 1 as they were when the application had been silent for too long.
	silent atomic.Uint32
	// waitedTooLong: so the watcher takes it out of the queue.
	waitedTooLong atomic.Bool

	// timedOut: the client was told so, and the request is Python's until it is
	// done. The exchange's own; the watcher looks at deadAt.
	timedOut bool

	// Under flights.mu; but for kept the watcher's. Times are those of its looks.
	kept        bool // somebody else holds the exchange: it is not used again
	aborted     bool
	slow, stuck bool      // were reported
	queued      time.Time // zero: not seen yet
	started     time.Time // inside Python
	silentSince time.Time
	lastSteps   uint32
	lastTaken   int64
	deadAt      time.Time // timed out
}

// isSilent tells whether the application has been silent for too long, up to
// now.
func (f *flight) isSilent() bool { return f.silent.Load() == f.steps.Load()+1 }

func (f *flights) add(x *exchange) {
	x.flight.req, x.flight.generation = x.req, x.req.Generation()
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
	f.served++
	if f.served == f.most {
		go f.replace(f.h, fmt.Sprintf("max_requests: it has served %d", f.served), false)
	}
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
		for _, act := range f.look(time.Now()) {
			act()
		}
	}
}

// look lists what to do. It is done without the lock, when the exchange may be
// over: the generation of its request tells, or it was kept.
func (f *flights) look(now time.Time) (todo []func()) {
	s := &f.h.settings
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.active.IsZero() || f.first != nil || f.served != f.seen {
		f.active, f.seen = now, f.served
	}
	for x := f.first; x != nil; x = x.flight.next {
		fl := &x.flight
		if fl.queued.IsZero() {
			fl.queued = now
			continue
		}
		if !fl.deadAt.IsZero() {
			if !fl.stuck && now.Sub(fl.deadAt) >= s.TimeoutGrace {
				fl.stuck = true
				todo = append(todo, func() { go f.h.reportStuck(x) })
			}
			continue
		}
		req, generation, stage := fl.req, fl.generation, fl.req.Stage()
		if !fl.aborted && x.clientLeft(stage == gil.Queued) {
			fl.aborted = true
			todo = append(todo, func() {
				if !req.Cancel(generation) {
					req.Abort(generation)
				}
			})
		}
		switch stage {
		case gil.Queued:
			if s.QueueTimeout > 0 && now.Sub(fl.queued) >= s.QueueTimeout && !fl.waitedTooLong.Swap(true) {
				todo = append(todo, func() { req.Cancel(generation) })
			}
		case gil.Running:
			fl.listenTo(now, s.Timeout)
			if s.SlowRequestThreshold > 0 && !fl.slow && now.Sub(fl.started) >= s.SlowRequestThreshold {
				fl.slow = true
				if held, ok := f.slow.Pass(now, slowPerSecond); ok {
					fl.kept = true
					inside := now.Sub(fl.started)
					todo = append(todo, func() { go f.h.reportSlow(x, inside, held) })
				}
			}
		}
	}
	return append(todo, f.alarms.look(f.h, now)...)
}

// listenTo finds out whether the application was silent for longer than
// timeout, and lets the exchange know. Writing to a slow client and waiting for
// its body is no silence.
func (f *flight) listenTo(now time.Time, timeout time.Duration) {
	if f.started.IsZero() {
		f.started, f.silentSince = now, now
	}
	steps := f.steps.Load()
	taken, waits := f.req.Reading()
	if steps%2 == 1 || steps != f.lastSteps || waits || taken != f.lastTaken {
		f.lastSteps, f.lastTaken, f.silentSince = steps, taken, now
		return
	}
	if timeout > 0 && now.Sub(f.silentSince) >= timeout {
		f.silent.Store(steps + 1)
		f.req.Wake()
	}
}
