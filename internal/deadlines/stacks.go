package deadlines

import (
	"strings"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/embed"
)

// stackPatience is how long stacks wait for the GIL; after that they are taken
// without it.
const stackPatience = time.Second

// camera takes the stacks of all Python threads, once for all who ask at the
// same time.
type camera struct {
	mu    sync.Mutex
	began time.Time
	taken embed.Stacks
}

// stacks says where all Python threads are now. It may take patience.
func (w *Watcher) stacks(patience time.Duration) picture {
	c, asked := &w.camera, time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.began.After(asked) { // else somebody did it meanwhile
		c.began = time.Now()
		c.taken = w.app.Stacks(patience)
	}
	return picture{c.taken, w.owners(), w}
}

// picture is what the threads did at one moment.
type picture struct {
	embed.Stacks
	names   map[submission]string
	watcher *Watcher
}

// submission is one use of a request.
type submission struct {
	req        *embed.Request
	generation uint64
}

func (f *Flight) submission() submission { return submission{f.req, f.generation} }

// owners says which request is whose: GET /path.
func (w *Watcher) owners() map[submission]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := map[submission]string{}
	for f := w.first; f != nil; f = f.next {
		names[f.submission()] = f.owner.Name()
	}
	return names
}

func submissionOf(t embed.ThreadStack) submission { return submission{t.Request, t.Generation} }

// of is the stack of the thread that runs f; empty if it does not run any more.
func (p picture) of(f *Flight) string {
	for _, t := range p.Threads {
		if submissionOf(t) == f.submission() {
			return p.one(t, "this request")
		}
	}
	return ""
}

// all are the stacks of all threads, that of f first; nil for none in
// particular.
func (p picture) all(f *Flight) string {
	var b strings.Builder
	if f != nil {
		b.WriteString(p.of(f))
	}
	for _, t := range p.Threads {
		if f == nil || submissionOf(t) != f.submission() {
			b.WriteString(p.one(t, p.name(t)))
		}
	}
	if p.WithoutGIL {
		b.WriteString("Some thread keeps the GIL: the stacks were taken without it and may not be exact.\n")
	}
	return b.String()
}

// name is what a thread runs; empty if that is nothing.
func (p picture) name(t embed.ThreadStack) string {
	name := p.names[submissionOf(t)]
	if name == "" && t.Request != nil {
		if r, ok := p.watcher.described(t.Request, t.Generation); ok {
			name = r.Method + " " + r.Target
		}
	}
	return name
}

// one is a thread's stack below its name and what it runs; empty for one that
// waits for work.
func (p picture) one(t embed.ThreadStack, runs string) string {
	if t.Text == "" && runs == "" {
		return ""
	}
	head := "Thread " + t.Name
	if runs != "" {
		head += ", " + runs
	}
	if t.Text == "" {
		return head + ": nothing\n"
	}
	return head + ":\n" + strings.TrimRight(t.Text, "\n") + "\n"
}
