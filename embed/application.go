package embed

/*
#include <stdlib.h>
#include "start.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	python3 "github.com/go-python/cpy3"

	"github.com/gowsgi/gowsgi/environ"
	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/load"
)

// Serving says how an application is served.
type Serving struct {
	Threads        int    // Python threads
	Workers        int    // processes that serve it, this one included
	Queue          int    // requests that may wait for a thread
	ResponseBuffer int    // bytes that an iterator may be ahead of its client
	Software       string // SERVER_SOFTWARE
	Django         bool   // ask Django's settings where its static files are
	Mount          string // the path that the application is below
	// Quotas are, by application, how many threads it may have at once. 0, or none: all.
	Quotas []int
	Check  bool // only to see whether it loads: its on_worker_start hooks are not called
}

// failedClose is how long the pool's threads have to leave if there is nothing to
// serve: they have run nothing.
const failedClose = 5 * time.Second

// Application is what a worker serves: one WSGI application or several, with the pool
// of Python threads that serves them.
type Application struct {
	pool *gil.Pool

	django  DjangoFiles // empty: nobody asked
	threads int         // Python threads
	serving int         // those of them that run requests

	mu     sync.Mutex
	idle   []*Request // the one used last is used next
	memory memory     // that they keep
	all    atomic.Pointer[[]*Request]
}

// Serve loads the applications that targets name, which have their numbers, and lets go
// of the GIL. On the thread that started CPython, GIL held; it still is if Serve fails.
// A *LoadError says why a target could not be loaded, a *FilesError why Django's files
// cannot be served.
//
// The pool's threads come first: an application that replaces threads by
// greenlets when it is imported finds them made.
func (in *Interpreter) Serve(targets []load.Target, s Serving) (*Application, error) {
	C.gowsgi_detach()
	pool, err := gil.New(gil.Config{Threads: s.Threads, Queue: s.Queue, Unlimited: unlimited()})
	C.gowsgi_attach()
	if err != nil {
		return nil, fmt.Errorf("embed: %w", err)
	}
	app := &Application{pool: pool, threads: s.Threads, serving: s.Threads}
	err = in.prepare(app, targets, s)
	C.gowsgi_detach()
	if err != nil {
		_ = pool.Close(failedClose) // what could not be loaded is what matters
		C.gowsgi_attach()
		return nil, err
	}
	pool.Open(app.serving)
	app.all.Store(new([]*Request))
	in.app.Store(app)
	return app, nil
}

// prepare loads the applications and makes them those that requests go to. GIL
// held: what it defers is done before the caller lets go of it.
func (in *Interpreter) prepare(app *Application, targets []load.Target, s Serving) error {
	applications, err := in.loadAll(targets)
	if err != nil {
		in.failed = filesOf(err)
		return err
	}
	defer applications.DecRef()
	if s.Django {
		if app.django, err = djangoFiles(s.Mount); err != nil {
			return err
		}
	}
	if !sharesLocks() {
		app.serving, s.Threads = 1, 1
	}
	return serve(app.pool, applications, len(targets), s)
}

func serve(pool *gil.Pool, applications *python3.PyObject, count int, s Serving) error {
	names := environ.Names()
	list := C.malloc(C.size_t(len(names)) * C.size_t(unsafe.Sizeof((*C.char)(nil))))
	if list == nil {
		return errors.New("embed: out of memory")
	}
	defer C.free(list)
	// SAFETY: list has room for len(names) pointers.
	pointers := unsafe.Slice((**C.char)(list), len(names))
	for i, name := range names {
		pointers[i] = C.CString(name)
		defer C.free(unsafe.Pointer(pointers[i]))
	}
	software := C.CString(s.Software)
	defer C.free(unsafe.Pointer(software))
	quotas := make([]C.int, count)
	for i, threads := range s.Quotas {
		if threads < s.Threads || threads == 1 {
			quotas[i] = C.int(threads)
		}
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&quotas[0])
	serving := C.gowsgi_serving{
		names: &pointers[0], name_count: C.int(len(names)),
		multithread: truth(s.Threads > 1), multiprocess: truth(s.Workers > 1),
		software: software, response_buffer: C.size_t(s.ResponseBuffer), pool: (*C.gowsgi_pool)(pool.Pointer()), quotas: &quotas[0],
	}
	// SAFETY: cpy3's PyObject is C's; only the Go packages differ.
	if C.gowsgi_serve((*C.PyObject)(unsafe.Pointer(applications)), &serving) != 0 {
		return pythonError()
	}
	if s.Check {
		return nil
	}
	return startHooks()
}

func truth(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// unlimited: the pool's adaptive limit can be switched off, to measure what it
// is worth.
func unlimited() bool { return os.Getenv("GOWSGI_LIMIT") == "off" }

// Threads is how many threads run requests: fewer than were asked for if the
// application's locks cannot be shared by threads (eventlet).
func (a *Application) Threads() int { return a.serving }

// DjangoFiles are those that Serving.Django asks for.
func (a *Application) DjangoFiles() DjangoFiles { return a.django }

// Stats reads the pool's figures.
func (a *Application) Stats() gil.Stats { return a.pool.Stats() }

// Unresponsive is for how long the GIL has been asked for in vain; 0 if it is
// there, as far as was asked: once a second while requests are inside. Cheap.
func (a *Application) Unresponsive() time.Duration { return a.pool.Unresponsive() }

// Close lets queued requests finish and the pool's threads leave.
// gil.ErrStuck if that takes longer than timeout: CPython must then not be
// stopped.
func (a *Application) Close(timeout time.Duration) error { return a.pool.Close(timeout) }

// Pool is the pool's C half, for C that calls gil's pool.h.
func (a *Application) Pool() unsafe.Pointer { return a.pool.Pointer() }

// Request finds a request by its task's index; nil if there is none.
func (a *Application) Request(index int) *Request {
	if all := *a.all.Load(); index < len(all) {
		return all[index]
	}
	return nil
}
