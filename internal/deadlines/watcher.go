package deadlines

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
)

// How long anything about a request that waits or runs goes unnoticed: that its
// client has left, that it takes too long.
const watchInterval = 100 * time.Millisecond

// Watcher looks over the requests that are queued or inside Python, now and
// then: cheaper than timers or a second channel for each, and a small request is
// over before anybody has looked.
type Watcher struct {
	app      *embed.Application
	settings config.Settings
	log      *slog.Logger
	board    *scoreboard.Board // nil: none
	replaced func(reason string, hopeless bool)

	mu     sync.Mutex
	first  *Flight
	served int64 // requests that the application is done with
	most   int64 // of them, before another worker takes over; 0: any number

	// The watcher's goroutine's.
	seen   int64 // served, at the last look
	active time.Time
	alarms
	camera camera
	noted  func(served int64)

	elsewhere func() int64
	names     []string // of applications; see Name
}

// Name says what the applications are called, by number; empty names are not
// mentioned. Before Watch.
func (w *Watcher) Name(applications []string) { w.names = applications }

// Note has note called at every look, with how many requests the application is
// done with. Before Watch.
func (w *Watcher) Note(note func(served int64)) { w.noted = note }

// Elsewhere has requests counted that the application was done with without a
// Flight. Before Watch.
func (w *Watcher) Elsewhere(served func() int64) { w.elsewhere = served }

// done is how many requests the application is done with. Lock: held.
func (w *Watcher) done() int64 {
	if w.elsewhere == nil {
		return w.served
	}
	return w.served + w.elsewhere()
}

// count has the worker replaced when it has served enough. Lock: held.
func (w *Watcher) count(served int64) {
	if w.most > 0 && served >= w.most {
		w.most = 0
		go w.replace(fmt.Sprintf("max_requests: it has served %d", served), false)
	}
}

// New makes a watcher of nothing yet. replace is called, once for each of
// hopeless, when another worker should take this one's place: reason in a few
// words; hopeless: it cannot finish what it has.
func New(app *embed.Application, s config.Settings, log *slog.Logger, board *scoreboard.Board, replace func(reason string, hopeless bool)) *Watcher {
	w := &Watcher{app: app, settings: s, log: log, board: board, replaced: replace}
	if s.MaxRequests > 0 {
		w.most = int64(s.MaxRequests + rand.N(s.MaxRequestsJitter+1))
	}
	return w
}

// Add begins to watch a request that was submitted.
func (w *Watcher) Add(f *Flight, owner Owner, req *embed.Request) {
	f.owner, f.req, f.generation = owner, req, req.Generation()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.first != nil {
		w.first.previous = f
	}
	f.next = w.first
	w.first = f
}

// Remove ends that: the application is done with the request.
func (w *Watcher) Remove(f *Flight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.served++
	w.count(w.done())
	if f.previous != nil {
		f.previous.next = f.next
	} else {
		w.first = f.next
	}
	if f.next != nil {
		f.next.previous = f.previous
	}
}

// Watch looks until the context ends.
func (w *Watcher) Watch(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, act := range w.look(time.Now()) {
			act()
		}
	}
}

// look lists what to do. It is done without the lock, when the owner may be
// done: the generation of its request tells, or it was kept.
func (w *Watcher) look(now time.Time) (todo []func()) {
	s := &w.settings
	w.mu.Lock()
	defer w.mu.Unlock()
	served := w.done()
	w.count(served)
	if w.active.IsZero() || w.first != nil || served != w.seen {
		w.active, w.seen = now, served
	}
	if w.noted != nil {
		w.noted(served)
	}
	for f := w.first; f != nil; f = f.next {
		if f.queued.IsZero() {
			f.queued = now
			continue
		}
		if !f.deadAt.IsZero() {
			if !f.stuck && now.Sub(f.deadAt) >= s.TimeoutGrace {
				f.stuck = true
				todo = append(todo, func() { go w.reportStuck(f) })
			}
			continue
		}
		req, generation, stage := f.req, f.generation, f.req.Stage()
		if !f.aborted && f.owner.ClientLeft(stage == gil.Queued) {
			f.aborted = true
			todo = append(todo, func() {
				if !req.Cancel(generation) {
					req.Abort(generation)
				}
			})
		}
		switch stage {
		case gil.Queued:
			if s.QueueTimeout > 0 && now.Sub(f.queued) >= s.QueueTimeout && !f.waitedTooLong.Swap(true) {
				todo = append(todo, func() { req.Cancel(generation) })
			}
		case gil.Running:
			f.listenTo(now)
			if s.SlowRequestThreshold > 0 && !f.slow && now.Sub(f.started) >= s.SlowRequestThreshold {
				f.slow = true
				if held, ok := w.slow.Pass(now, slowPerSecond); ok {
					f.kept = true
					inside := now.Sub(f.started)
					todo = append(todo, func() { go w.reportSlow(f, inside, held) })
				}
			}
		}
	}
	return append(todo, w.lookAround(now)...)
}
