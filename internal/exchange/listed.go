package exchange

import (
	"slices"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
)

// readings are the requests whose bodies are being read ahead. Others are on
// their way to the application at once.
type readings struct {
	mu  sync.Mutex
	all map[*exchange]struct{}
}

func (r *readings) add(x *exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[*exchange]struct{}{}
	}
	r.all[x] = struct{}{}
}

func (r *readings) remove(x *exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, x)
}

// mostListed are described at most: of a queue of thousands nobody reads more.
const mostListed = 200

// Listed describes the requests that there are, the oldest first.
func (h *Handler) Listed() []control.Request {
	requests := append(h.reading(), h.watcher.Listed()...)
	slices.SortStableFunc(requests, func(a, b control.Request) int {
		switch {
		case a.Age > b.Age:
			return -1
		case a.Age < b.Age:
			return 1
		}
		return 0
	})
	return requests[:min(len(requests), mostListed)]
}

func (h *Handler) reading() []control.Request {
	h.readings.mu.Lock()
	defer h.readings.mu.Unlock()
	var requests []control.Request
	for x := range h.readings.all {
		requests = append(requests, x.Describe(control.Reading))
	}
	return requests
}

// longestTarget is what is shown of a request's target.
const longestTarget = 300

// Describe is the request for who asks what goes on.
func (x *exchange) Describe(stage string) control.Request {
	target := x.uri
	if len(target) > longestTarget {
		target = target[:longestTarget] + "…"
	}
	return control.Request{
		ID: x.requestID(), Mount: x.mountName(), Method: scoreboard.Printable(x.r.Method), Target: scoreboard.Printable(target), Client: x.client.Host,
		Age: time.Since(x.start).Seconds(), Stage: stage,
	}
}
