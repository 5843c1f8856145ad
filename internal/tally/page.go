package tally

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gowsgi/gowsgi/internal/shared"
)

// Page is what one worker has done and does.
type Page struct {
	*Figures // of the first application
	others   []Figures
	layout   *layout
	memory   *shared.Memory

	mu     sync.Mutex
	places map[string]*event // of events, in the worker
}

// layout is what stands in the memory.
type layout struct {
	figures Figures
	now     Now
	events  [mostEvents]event
}

// Now is what a worker does at the moment. It writes that every tenth of a
// second.
type Now struct {
	Written     int64 // when: Unix time, ns
	Requests    int64 // that the application is done with
	Threads     int64 // of Python
	Busy        int64 // of them, that run a request
	Limit       int64 // of them, that may be inside Python at once
	Queued      int64 // requests that wait for a thread
	Unanswered  int64 // ns for which nobody has got the GIL, if somebody asks for it
	Probes      int64 // times that the GIL was asked for to see how long it takes
	ProbeWait   int64 // ns that it took, all together
	Connections int64 // that are open
	Idle        int64 // of them, those that wait for a request
	Secure      int64 // of them all, those that speak TLS
	Goroutines  int64
	Draining    int64 // 1: it takes no more requests
	HTTP2       int64 // connections that speak it
	Streams     int64 // requests that those have
}

const (
	mostEvents  = 128 // the log knows fewer
	longestName = 40
)

// event is how often something was logged.
type event struct {
	count  uint64
	length uint64 // of name; 0: the place is free
	name   [longestName]byte
}

// pageSize is that of a page with figures for so many applications: those of the first
// in the layout, the others behind it.
func pageSize(applications int) int {
	return int(unsafe.Sizeof(layout{})) + (applications-1)*int(unsafe.Sizeof(Figures{}))
}

// New makes an empty page for a worker with so many applications. Close gives its
// memory back.
func New(applications int) (*Page, error) {
	memory, err := shared.New("gowsgi-tally", pageSize(applications))
	if err != nil {
		return nil, fmt.Errorf("tally: %w", err)
	}
	return onto(memory, applications), nil
}

// Open opens, in a worker, the page that it inherited as descriptor fd, which it
// closes.
func Open(fd, applications int) (*Page, error) {
	memory, err := shared.Open(fd, pageSize(applications))
	if err != nil {
		return nil, fmt.Errorf("tally: %w", err)
	}
	return onto(memory, applications), nil
}

func onto(memory *shared.Memory, applications int) *Page {
	// SAFETY: memory begins at a page and has room for a layout, and Figures behind it;
	// they have no pointers.
	l := (*layout)(unsafe.Pointer(&memory.Bytes[0]))
	others := unsafe.Slice((*Figures)(unsafe.Add(unsafe.Pointer(l), unsafe.Sizeof(*l))), applications-1)
	return &Page{Figures: &l.figures, others: others, layout: l, memory: memory, places: map[string]*event{}}
}

// Of are the figures of an application, by its number.
func (p *Page) Of(application int) *Figures {
	if application == 0 {
		return p.Figures
	}
	return &p.others[application-1]
}

// File is what a worker is to inherit.
func (p *Page) File() *os.File { return p.memory.File() }

// Close gives the memory back. Nobody uses the page any more.
func (p *Page) Close() error {
	if p == nil {
		return nil
	}
	p.Figures, p.others, p.layout = nil, nil, nil
	return p.memory.Close()
}

// Write notes what the worker does now. One goroutine writes.
func (p *Page) Write(now Now) {
	if p == nil {
		return
	}
	now.Written = time.Now().UnixNano()
	to, from := nowWords(&p.layout.now), nowWords(&now)
	for i := range to {
		atomic.StoreInt64(&to[i], from[i])
	}
}

// Now reads what the worker did when it last wrote that.
func (p *Page) Now() (now Now) {
	if p == nil {
		return now
	}
	to, from := nowWords(&now), nowWords(&p.layout.now)
	for i := range to {
		to[i] = atomic.LoadInt64(&from[i])
	}
	return now
}

func nowWords(n *Now) *[unsafe.Sizeof(Now{}) / 8]int64 {
	// SAFETY: all fields of Now are words of 64 bits.
	return (*[unsafe.Sizeof(Now{}) / 8]int64)(unsafe.Pointer(n))
}

// Event counts a record of the log.
func (p *Page) Event(name string) {
	if p == nil || name == "" || len(name) > longestName {
		return
	}
	if e := p.place(name); e != nil {
		atomic.AddUint64(&e.count, 1)
	}
}

// Record counts a record of the log: its event, and its level.
func (p *Page) Record(event string, level slog.Level, traceback bool) {
	if p == nil {
		return
	}
	p.Event(event)
	p.Log(level, traceback)
}

// place finds or takes the place of an event; nil if there is no room.
func (p *Page) place(name string) *event {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.places[name]; e != nil {
		return e
	}
	if len(p.places) == mostEvents {
		return nil
	}
	e := &p.layout.events[len(p.places)]
	copy(e.name[:], name)
	atomic.StoreUint64(&e.length, uint64(len(name)))
	p.places[name] = e
	return e
}

// Events adds how often what was logged to counts. Names that are none of ours
// are left out: the memory is the application's, too.
func (p *Page) Events(counts map[string]uint64) {
	if p == nil {
		return
	}
	for i := range p.layout.events {
		e := &p.layout.events[i]
		length := atomic.LoadUint64(&e.length)
		if length == 0 || length > longestName {
			continue
		}
		if name := string(e.name[:length]); isEvent(name) {
			counts[name] += atomic.LoadUint64(&e.count)
		}
	}
}

// isEvent tells whether name looks like an event of the log: request.timeout.
func isEvent(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && c != '.' && c != '_' {
			return false
		}
	}
	return true
}
