package embed

/*
#include <stdlib.h>
#include "request.h"

#cgo noescape gowsgi_request_submit
#cgo nocallback gowsgi_request_submit
#cgo noescape gowsgi_request_take
#cgo nocallback gowsgi_request_take
#cgo noescape gowsgi_request_progress
#cgo nocallback gowsgi_request_progress
#cgo noescape gowsgi_request_reserve
#cgo nocallback gowsgi_request_reserve

static void set_run(wsgi_request *req) { req->task.run = gowsgi_request_run; }
static void set_release(wsgi_request *req) {
    req->task.run = gowsgi_request_release;
    req->task.quota = NULL; // it is no work of the application's
}
*/
import "C"

import (
	"errors"
	"sync"
	"time"
	"unsafe"

	"github.com/gowsgi/gowsgi/environ"
	"github.com/gowsgi/gowsgi/gil"
)

// blockRoom is what most environ blocks fit in.
const blockRoom = 4 << 10

var errOutOfMemory = errors.New("embed: out of memory")

// Request is one request on its way through Python. One goroutine drives it:
//
//	Acquire → Environ, SetBody → Submit → Wait … until not Running → Release
type Request struct {
	c    *C.wsgi_request
	app  *Application
	task *gil.Task

	application int // see SetApplication

	kept    int64 // bytes of memory while it is idle, see memory
	builder environ.Builder
	body    body

	dropped func()                       // see OnBodyDropped; nil: nobody wants to know
	home    func(request unsafe.Pointer) // to whom it goes back; nil: to the application's idle ones

	mu       sync.Mutex
	label    any    // nil: none
	labelled uint64 // the generation that it belongs to
}

// SetLabel gives the request whatever tells the log which one it is, until Release.
// Before Submit.
func (r *Request) SetLabel(label any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.label, r.labelled = label, r.Generation()+1
}

// Relabel is SetLabel for a request that was submitted by somebody else.
func (r *Request) Relabel(label any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.label, r.labelled = label, r.Generation()
}

// Lend gives the request to C that submits it itself, by calling home with the
// wsgi_request. When it becomes Go's, and is released, home is called again.
func (r *Request) Lend(home func(request unsafe.Pointer)) {
	r.home = home
	home(unsafe.Pointer(r.c))
}

// withLabel calls f with the label of that generation, if it is still there.
func (r *Request) withLabel(generation uint64, f func(label any)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.label == nil || r.labelled != generation {
		return false
	}
	f(r.label)
	return true
}

// Acquire takes a request, empty. Give it back with Release.
func (a *Application) Acquire() (*Request, error) {
	if r := a.takeIdle(); r != nil {
		return r, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c := C.gowsgi_request_new()
	if c == nil {
		return nil, errOutOfMemory
	}
	C.set_run(c)
	r := &Request{c: c, app: a, task: a.pool.Register(unsafe.Pointer(c))}
	index := r.task.Index()
	all := append((*a.all.Load())[:index:index], r)
	a.all.Store(&all)
	return r, nil
}

// Environ starts the environ block. Fill the builder before Submit.
func (r *Request) Environ() (*environ.Builder, error) {
	if err := r.reserveBlock(blockRoom); err != nil {
		return nil, err
	}
	// SAFETY: block has block_room bytes and is Go's until Submit.
	r.builder.Reset(unsafe.Slice((*byte)(r.c.block), int(r.c.block_room)))
	return &r.builder, nil
}

func (r *Request) reserveBlock(size int) error {
	if C.gowsgi_request_reserve(&r.c.block, &r.c.block_room, C.size_t(size)) != 0 {
		return errOutOfMemory
	}
	return nil
}

// SetApplication says which application the request is for: the number of one of
// Serve's targets. It is 0 unless that is said. Before Submit.
func (r *Request) SetApplication(number int) { r.application = number }

// Application is the number of the application that the request is for. After Submit.
func (r *Request) Application() int { return int(r.c.application) }

// Submit queues the request. isHead: the body goes nowhere. gil.ErrBusy if too
// many wait already, gil.ErrClosed at shutdown; the request can then be
// released.
func (r *Request) Submit(isHead bool) error {
	c := r.c
	block := r.builder.Block()
	if len(block) > int(c.block_room) { // it moved to Go's memory
		if err := r.reserveBlock(len(block)); err != nil {
			return err
		}
		copy(unsafe.Slice((*byte)(c.block), len(block)), block)
	}
	select { // a late ring of the request before
	case <-r.task.Output():
	default:
	}
	err := gil.SubmitError(int(C.gowsgi_request_submit(c, C.gowsgi_submission{
		application: C.uint32_t(r.application), block_size: C.size_t(len(block)), is_head: truth(isHead),
		body_size: C.size_t(r.body.size), body_length: C.int64_t(r.body.length), body_streams: truth(r.body.pump != nil),
	})))
	if r.body.pump == nil {
		return err
	}
	if err != nil {
		r.body.pump = nil // nobody will ask for it
		return err
	}
	go r.body.pump.run() // not before: it looks at what a request begins with
	return nil
}

// Generation tells this use of the request from later ones, for Cancel and
// Abort. After Submit.
func (r *Request) Generation() uint64 { return uint64(r.c.generation) }

// State is where a request stands after Wait.
type State int

const (
	Running   State = iota // the batch is what there is so far
	Done                   // the batch is the last one
	Cancelled              // taken out of the queue
)

// Wait waits until the application has produced something, or is done, and
// returns what is to be sent next. The batch, which may be empty, is valid
// until the next call.
func (r *Request) Wait() (Batch, State) {
	<-r.task.Output()
	switch r.task.State() {
	case gil.Done:
		// No crossing: the memory is Go's again.
		return Batch{&r.c.response.batches[r.c.response.filling]}, Done
	case gil.Idle:
		return Batch{&r.c.response.batches[r.c.response.filling]}, Cancelled
	default:
		return Batch{C.gowsgi_request_take(r.c)}, Running
	}
}

// Output is the bell that Wait waits for, for who waits in its place: whoever has
// heard it calls Wake before somebody calls Wait again.
func (r *Request) Output() <-chan struct{} { return r.task.Output() }

// SetAside is Wait for who is in the middle of sending what Wait has returned, if
// the application waits for that, or is done. The batch is valid until the next
// call.
func (r *Request) SetAside() (batch Batch, ok bool) {
	done := r.task.State() == gil.Done
	batch = Batch{C.gowsgi_request_set_aside(r.c, truth(done))}
	return batch, batch.c != nil
}

// Shed gives back what the response was made of, and the body: there are copies of
// both, or nobody wants them any more. Done.
func (r *Request) Shed() {
	passed, _ := r.passed()
	C.gowsgi_request_shed(r.c)
	r.app.noteFreed(passed)
	if r.body.pump == nil {
		C.gowsgi_request_free_body(r.c)
		r.dropBody()
	}
}

// dropBody lets go of the file that the body is in, and tells so.
func (r *Request) dropBody() {
	if r.dropped != nil { // first: who sees that the file has gone finds room for another
		r.dropped()
		r.dropped = nil
	}
	if r.c.body.file != nil {
		C.gowsgi_request_drop_file(r.c)
	}
}

// Wake makes Wait return, Running and with an empty batch unless there is more
// to say. From any goroutine, between Submit and Release.
func (r *Request) Wake() { r.task.Wake() }

// Stage is where the request stands in the pool. From any goroutine, between
// Submit and Release.
func (r *Request) Stage() gil.State { return r.task.State() }

// Progress is another number whenever the application has taken a piece of its body
// or produced one of its response. waits: it waits for its client. From any
// goroutine.
func (r *Request) Progress() (bytes int64, waits bool) {
	waiting := C.int(0)
	bytes = int64(C.gowsgi_request_progress(r.c, &waiting))
	return bytes, waiting != 0
}

// Index is the number of the request among all that the application has made;
// those in use have low ones.
func (r *Request) Index() int { return r.task.Index() }

// Cancel takes the request out of the queue, and Wait returns Cancelled. False:
// it is not in the queue any more, or generation has ended. From any goroutine.
func (r *Request) Cancel(generation uint64) bool { return r.task.Cancel(generation) }

// Abort says that nobody reads the response any more: the application is
// stopped at its next block or read. Nothing if generation has ended. From any
// goroutine.
func (r *Request) Abort(generation uint64) {
	C.gowsgi_request_abort(r.c, C.uint64_t(generation))
}

// Interrupt has gowsgi.RequestTimeout raised in the Python thread that runs the
// request, as soon as the GIL can be had, or at its first step if it still waits
// to begin. Nothing if generation has ended by then. From any goroutine; does not
// wait.
func (r *Request) Interrupt(generation uint64) {
	C.gowsgi_request_interrupt(r.c, C.uint64_t(generation))
}

// Times tells how long a request that is done was queued and inside Python.
func (r *Request) Times() (queued, inside time.Duration) { return r.task.Times() }

// GILWait is for how long the thread that took it then waited for the GIL. Done.
func (r *Request) GILWait() time.Duration { return r.task.GILWait() }

// Thread is the number of the Python thread that ran it, from 0.
func (r *Request) Thread() int { return r.task.Thread() }

// Release gives the request back. It is done, cancelled, or was never
// submitted.
func (r *Request) Release() {
	c := r.c
	r.SetLabel(nil)
	r.StopBody()
	r.Hints() // nobody wants them any more
	r.body, r.application = body{}, 0
	r.dropBody()
	if c.result.error != nil {
		C.free(unsafe.Pointer(c.result.error))
		c.result.error, c.result.error_size = nil, 0
	}
	if c.result.close_error != nil {
		C.free(unsafe.Pointer(c.result.close_error))
		c.result.close_error, c.result.close_error_size = nil, 0
	}
	if f, _, _ := r.File(); f != nil {
		_ = f.Close()
	}
	passed, owners := r.passed()
	if owners > 0 && !r.releaseOwners() {
		return // the pool is closed; the process is about to end
	}
	r.c.wire = nil
	if r.home != nil {
		r.app.noteFreed(passed + r.room()) // what is large its home frees
		r.home(unsafe.Pointer(r.c))
		return
	}
	r.app.putIdle(r, passed)
}

// OnBodyDropped has f called, too, when nobody reads the body any more, once: at the
// latest when the request is released. It is the caller's to release until then.
func (r *Request) OnBodyDropped(f func()) {
	if others := r.dropped; others != nil {
		r.dropped = func() { others(); f() }
		return
	}
	r.dropped = f
}

// passed is how many bytes of others' memory the response was made of and the body
// was read into, and how many of those others are still to hear of it.
func (r *Request) passed() (bytes int64, owners int) {
	c := r.c
	bytes, owners = int64(c.body.taken), int(c.response.released_count)
	for i := range c.response.batches {
		bytes += int64(c.response.batches[i].size)
		owners += int(c.response.batches[i].owners)
	}
	return bytes, owners
}

// releaseOwners has a Python thread free what the response was borrowed from.
func (r *Request) releaseOwners() bool {
	C.set_release(r.c)
	defer C.set_run(r.c)
	if r.task.Submit(0) != nil {
		return false
	}
	for r.task.State() != gil.Done {
		<-r.task.Output()
	}
	return true
}
