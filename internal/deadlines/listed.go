package deadlines

import (
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
)

// Listed describes the requests that are with the application, or on their way to
// it and back. It asks no Python, so that a worker can answer whose GIL is stuck.
func (w *Watcher) Listed() []control.Request {
	var requests []control.Request
	for _, r := range w.listed(w.app.Activity()) {
		requests = append(requests, r)
	}
	return requests
}

func (w *Watcher) listed(active []embed.Activity) map[submission]control.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	listed := map[submission]control.Request{}
	for f := w.first; f != nil; f = f.next {
		listed[f.submission()] = f.owner.Describe(f.stage())
	}
	for _, a := range active {
		of := submission{a.Request, a.Generation}
		r, ok := listed[of]
		if !ok && a.Request != nil {
			r, ok = w.described(a.Request, a.Generation)
		}
		if ok {
			r.Thread = a.Thread
			listed[of] = r
		}
	}
	return listed
}

// longestTarget is what is shown of a request's target.
const longestTarget = 300

// described is a request that is inside without a Flight.
func (w *Watcher) described(req *embed.Request, generation uint64) (r control.Request, ok bool) {
	d, ok := req.Describe(generation)
	if len(d.URI) > longestTarget {
		d.URI = d.URI[:longestTarget] + "…"
	}
	mount := ""
	if d.Application < len(w.names) {
		mount = w.names[d.Application]
	}
	return control.Request{
		ID: d.ID, Mount: mount, Method: scoreboard.Printable(d.Method), Target: scoreboard.Printable(d.URI), Client: d.Host,
		Age: time.Since(d.Queued).Seconds(), Stage: control.Inside,
	}, ok
}

// stage is where the request is. Lock: held, Watcher.mu.
func (f *Flight) stage() string {
	switch {
	case !f.deadAt.IsZero():
		return control.Late
	case f.req.Stage() == gil.Queued:
		return control.Queued
	case f.req.Stage() == gil.Running && f.steps.Load()%2 == 0:
		return control.Inside
	default:
		return control.Sending
	}
}

// Threads says where the Python threads are, and what those of the pool run.
// exact: nobody else could run meanwhile. It may take a second.
func (w *Watcher) Threads() (threads []control.Thread, exact bool) {
	taken := w.stacks(stackPatience)
	listed := w.listed(nil)
	for _, t := range taken.Threads {
		thread := control.Thread{Name: t.Name, Stack: t.Text}
		if t.Request != nil {
			r, ok := listed[submissionOf(t)]
			if !ok {
				r, ok = w.described(t.Request, t.Generation)
			}
			if ok { // else it ended just now
				r.Thread = t.Name
				thread.Request = &r
			}
		}
		threads = append(threads, thread)
	}
	return threads, !taken.WithoutGIL
}
