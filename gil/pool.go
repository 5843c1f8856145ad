package gil

/*
#cgo pkg-config: python3
#cgo CFLAGS: -std=gnu11 -Wall -Wextra -Wno-unused-parameter
#include <Python.h>
#include "pool.h"

#cgo noescape gowsgi_pool_submit
#cgo nocallback gowsgi_pool_submit
#cgo noescape gowsgi_pool_reap
#cgo nocallback gowsgi_pool_reap
#cgo noescape gowsgi_pool_cancel
#cgo nocallback gowsgi_pool_cancel

static int free_threaded(void) {
#ifdef Py_GIL_DISABLED
    return 1;
#else
    return 0;
#endif
}
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sentinel errors of Submit and Close.
var (
	ErrBusy   = errors.New("gil: the queue is full")
	ErrClosed = errors.New("gil: the pool is closed")
	ErrStuck  = errors.New("gil: threads are still inside Python")
)

// Config says how a pool is made.
type Config struct {
	Threads int // Python threads, at least 1
	Queue   int // tasks that may wait for one, at least 0
	// Unlimited lets every thread be inside Python at once, whatever the GIL
	// says: for measuring what the adaptive limit is worth.
	Unlimited bool
}

// Pool is a running pool of Python threads.
type Pool struct {
	c      *C.gowsgi_pool
	events *os.File // what tells the reader to reap

	mu     sync.Mutex
	tasks  atomic.Pointer[[]*Task] // by index; replaced, never changed
	reader chan struct{}           // closed when the reader has left
}

// New starts a pool whose threads wait for Open, unseen by threading: what is
// imported until then may replace all that makes threads. CPython is initialised
// and the caller does not hold the GIL.
func New(cfg Config) (*Pool, error) {
	// C's end stays open as long as its pool, for good: a thread of the application
	// may ring when all is over, and must not write to whoever has the number then.
	events, wake, err := EventPipe()
	if err != nil {
		return nil, fmt.Errorf("gil: event descriptor: %w", err)
	}
	adaptive := C.int(1)
	if cfg.Unlimited || C.free_threaded() != 0 {
		adaptive = 0
	}
	c, err := C.gowsgi_pool_new(C.int(cfg.Threads), C.int(cfg.Queue), adaptive, C.int(wake))
	if c == nil {
		_ = events.Close()
		_ = unix.Close(wake)
		return nil, fmt.Errorf("gil: start %d threads: %w", cfg.Threads, err)
	}
	p := &Pool{c: c, events: events, reader: make(chan struct{})}
	p.tasks.Store(new([]*Task))
	go p.read()
	return p, nil
}

// Open lets so many of the threads begin, all or fewer. The caller does not hold
// the GIL.
func (p *Pool) Open(threads int) { C.gowsgi_pool_open(p.c, C.int(threads)) }

// Task is Go's end of a task.
type Task struct {
	c      *C.gowsgi_task
	output chan struct{}
	input  chan struct{}
}

// Register makes a task known to the pool, for good: tasks are pooled by their
// owner, not freed. task is C memory whose first member is a gowsgi_task with
// its run function set.
func (p *Pool) Register(task unsafe.Pointer) *Task {
	// SAFETY: by contract a gowsgi_task stands at the start of task.
	t := &Task{c: (*C.gowsgi_task)(task), output: make(chan struct{}, 1), input: make(chan struct{}, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	old := *p.tasks.Load()
	t.c.pool = p.c
	t.c.index = C.uint32_t(len(old))
	tasks := append(old[:len(old):len(old)], t)
	p.tasks.Store(&tasks)
	return t
}

// Submit queues the task, however many are queued. generation tells this submit
// from others; see Cancel. ErrClosed if the pool is closed.
func (t *Task) Submit(generation uint64) error { return t.submit(generation, 1) }

// TrySubmit is Submit, but ErrBusy if the queue is full. C that has more to do
// at that moment calls gowsgi_pool_submit, and Go turns its result into an
// error with SubmitError.
func (t *Task) TrySubmit(generation uint64) error { return t.submit(generation, 0) }

func (t *Task) submit(generation uint64, force C.int) error {
	return SubmitError(int(C.gowsgi_pool_submit(t.c, C.uint64_t(generation), force)))
}

// SubmitError is the error for a result of gowsgi_pool_submit: ErrBusy,
// ErrClosed or nil.
func SubmitError(result int) error {
	switch result {
	case C.GOWSGI_BUSY:
		return ErrBusy
	case C.GOWSGI_CLOSED:
		return ErrClosed
	}
	return nil
}

// Cancel takes the task out of the queue and rings its output bell. False: a
// thread has it or had it, or it was submitted anew since generation.
func (t *Task) Cancel(generation uint64) bool {
	if C.gowsgi_pool_cancel(t.c, C.uint64_t(generation)) == 0 {
		return false
	}
	ring(t.output)
	return true
}

// Index is the number of the task among all that were registered, from 0.
func (t *Task) Index() int { return int(t.c.index) }

// State is where a task stands.
type State uint32

const (
	Idle    State = C.GOWSGI_IDLE // not submitted, or cancelled
	Queued  State = C.GOWSGI_QUEUED
	Running State = C.GOWSGI_RUNNING
	Done    State = C.GOWSGI_DONE // it has run: its memory belongs to Go again
)

// State reads where the task stands.
func (t *Task) State() State {
	// SAFETY: an aligned 32-bit word that C writes under the pool's lock; the
	// bell that the caller waited for went through that lock afterwards.
	return State(atomic.LoadUint32((*uint32)(unsafe.Pointer(&t.c.state))))
}

// Wake rings the output bell as if the task had: whoever waits for it looks
// again.
func (t *Task) Wake() { ring(t.output) }

// Output is the bell that a running task rings when it has something to say,
// and once more when it is done. Rings coalesce, and one may be late: look at
// the task's state, not at how often it rang.
func (t *Task) Output() <-chan struct{} { return t.output }

// Input is the bell that a running task rings when it needs something.
func (t *Task) Input() <-chan struct{} { return t.input }

// Times of a task that is done: in the queue, and inside Python.
func (t *Task) Times() (queued, inside time.Duration) {
	return time.Duration(t.c.started_at - t.c.queued_at), time.Duration(t.c.done_at - t.c.started_at)
}

// GILWait is how long the thread that ran the task waited for the GIL before it
// could begin. Done.
func (t *Task) GILWait() time.Duration { return time.Duration(t.c.gil_at - t.c.started_at) }

// Thread is the number of the thread that ran the task, from 0.
func (t *Task) Thread() int { return int(t.c.thread) }

// read passes bells on to goroutines until the pool is closed.
func (p *Pool) read() {
	defer close(p.reader)
	const room = 64
	var events [room]C.gowsgi_event
	buf := make([]byte, 1024)
	for {
		n := int(C.gowsgi_pool_reap(p.c, &events[0], room))
		if n == 0 {
			if _, err := p.events.Read(buf); err != nil {
				return
			}
			continue
		}
		tasks := *p.tasks.Load()
		for _, e := range events[:n] {
			t := tasks[e.index]
			if e.bells&C.GOWSGI_INPUT != 0 {
				ring(t.input)
			}
			if e.bells&C.GOWSGI_OUTPUT != 0 {
				ring(t.output)
			}
		}
	}
}

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// Pointer is the pool's C half, a gowsgi_pool, for C that calls pool.h. It is
// never freed.
func (p *Pool) Pointer() unsafe.Pointer { return unsafe.Pointer(p.c) }

// Stats is how a pool does at one moment.
type Stats struct {
	Threads   int           // alive
	Idle      int           // those of them that wait for work
	Limit     int           // tasks that may be inside Python at once
	Inside    int           // tasks inside Python
	Queued    int           // tasks that wait
	Held      int           // those of them that wait for others of their quota
	Done      int64         // tasks run since the start
	Probes    int64         // times the probe asked for the GIL
	ProbeWait time.Duration // that it waited for it, all probes together
}

// Stats reads the pool's figures.
func (p *Pool) Stats() Stats {
	var s C.gowsgi_pool_stats
	C.gowsgi_pool_read_stats(p.c, &s)
	return Stats{
		Threads: int(s.threads), Idle: int(s.idle), Limit: int(s.limit), Inside: int(s.inside), Queued: int(s.queued), Held: int(s.held),
		Done: int64(s.done), Probes: int64(s.probes), ProbeWait: time.Duration(s.probe_wait),
	}
}

// Close takes no more tasks, lets the threads finish what is queued and leave.
// ErrStuck if that takes longer than timeout: then Python must not be
// finalised. The caller does not hold the GIL.
func (p *Pool) Close(timeout time.Duration) error {
	if n := C.gowsgi_pool_close(p.c, C.int64_t(timeout)); n > 0 {
		return fmt.Errorf("%w: %d after %s", ErrStuck, n, timeout)
	}
	err := p.events.Close()
	<-p.reader
	return err
}
