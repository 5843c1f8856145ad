package deadlines

import (
	"fmt"
	"time"
)

// Requests is how many requests the application is done with.
func (w *Watcher) Requests() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done()
}

// LastActive is when the application last had a request, to a tenth of a
// second; if it never had one, when Watch began. Zero before that.
func (w *Watcher) LastActive() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active
}

// Running describes the requests that wait for the application, are with it or
// go out to their clients, the youngest first: "GET /path for 1.5 s".
func (w *Watcher) Running() []string {
	active := w.app.Activity()
	w.mu.Lock()
	defer w.mu.Unlock()
	var running []string
	known := map[submission]bool{}
	for f := w.first; f != nil; f = f.next {
		known[f.submission()] = true
		text := inWords(f.owner.Name(), time.Since(f.owner.Start()).Seconds())
		if !f.deadAt.IsZero() {
			text += ", timed out"
		}
		running = append(running, text)
	}
	for _, a := range active {
		if a.Request == nil || known[submission{a.Request, a.Generation}] {
			continue
		}
		if r, ok := w.described(a.Request, a.Generation); ok { // nobody on a goroutine has it
			running = append(running, inWords(r.Method+" "+r.Target, r.Age))
		}
	}
	return running
}

func inWords(name string, seconds float64) string { return fmt.Sprintf("%s for %.1f s", name, seconds) }
