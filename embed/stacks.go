package embed

/*
#include "start.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/crash"
	"github.com/gowsgi/gowsgi/internal/dump"
)

// ThreadStack is what a Python thread was doing.
type ThreadStack struct {
	Name       string   // "gowsgi-3", "MainThread", or as the application named it
	Main       bool     // it is Python's main thread
	Pool       int      // number of the pool's thread, from 0; -1 for others
	Request    *Request // that it runs; nil for none
	Generation uint64   // of that request
	Text       string   // as traceback.format_stack has it, most recent call last; "" if it runs nothing
}

// Stacks is what all Python threads were doing: first the pool's, in order.
type Stacks struct {
	Threads []ThreadStack
	// WithoutGIL: nobody got the GIL, so the stacks were taken beside it. They
	// have no source lines, and may be wrong if threads did run.
	WithoutGIL bool
}

// Stacks takes the stacks of all Python threads. If the GIL cannot be had for
// patience, it takes them without. From any goroutine.
func (a *Application) Stacks(patience time.Duration) Stacks {
	// SAFETY: the pool's C half is a gowsgi_pool.
	pool := (*C.gowsgi_pool)(a.pool.Pointer())
	var s Stacks
	err := gil.ErrLate
	if job := C.gowsgi_stacks_new(pool, C.int(a.threads)); job != nil {
		err = a.pool.Ask(unsafe.Pointer(job), patience, func() {
			// SAFETY: count stacks and thread_count activities, C's until read returns.
			activity := unsafe.Slice(job.threads, int(job.thread_count))
			for _, c := range unsafe.Slice(job.stacks, int(job.count)) {
				s.Threads = append(s.Threads, a.threadStack(uint64(c.ident), activity,
					C.GoStringN(c.name, C.int(c.name_size)), C.GoStringN(c.text, C.int(c.text_size))))
			}
		})
	}
	if errors.Is(err, gil.ErrLate) {
		s.WithoutGIL = true
		activity := make([]C.gowsgi_activity, a.threads)
		C.gowsgi_read_activity(pool, &activity[0], C.int(len(activity)))
		for _, t := range dump.Threads(crash.Dump()) {
			s.Threads = append(s.Threads, a.threadStack(t.Ident, activity, t.Name, t.Text))
		}
	}
	return s.sorted()
}

// StacksOutside takes the stacks of all Python threads while there is no
// application, or none any more, the main thread's first; they are empty until
// CPython is there. If the GIL cannot be had for patience, it takes them without.
// From any goroutine.
func StacksOutside(patience time.Duration) Stacks {
	in := process.Load()
	if in == nil || !in.running.Load() {
		return Stacks{}
	}
	var s Stacks
	var nobody *Application // whose requests they could run
	if job := C.gowsgi_stacks_new(nil, 0); job != nil && bool(C.gowsgi_errand(&job.job, C.int64_t(patience))) {
		defer C.gowsgi_stacks_free(job)
		// SAFETY: count stacks, ours until they are freed.
		for _, c := range unsafe.Slice(job.stacks, int(job.count)) {
			s.Threads = append(s.Threads, nobody.threadStack(uint64(c.ident), nil,
				C.GoStringN(c.name, C.int(c.name_size)), C.GoStringN(c.text, C.int(c.text_size))))
		}
	} else {
		s.WithoutGIL = true
		for _, t := range dump.Threads(crash.Dump()) {
			s.Threads = append(s.Threads, nobody.threadStack(t.Ident, nil, t.Name, t.Text))
		}
	}
	slices.SortStableFunc(s.Threads, func(a, b ThreadStack) int {
		if a.Main != b.Main {
			return int(truth(b.Main) - truth(a.Main))
		}
		return strings.Compare(a.Name, b.Name)
	})
	return s
}

// Activity is what a thread of the pool runs.
type Activity struct {
	Thread     string
	Request    *Request
	Generation uint64
}

// Activity says what the threads of the pool run that run something. From any
// goroutine; nobody has to have the GIL.
func (a *Application) Activity() []Activity {
	// SAFETY: the pool's C half is a gowsgi_pool.
	pool := (*C.gowsgi_pool)(a.pool.Pointer())
	activity := make([]C.gowsgi_activity, a.threads)
	C.gowsgi_read_activity(pool, &activity[0], C.int(len(activity)))
	var active []Activity
	for i, does := range activity {
		if does.request >= 0 {
			active = append(active, Activity{poolName(i), a.Request(int(does.request)), uint64(does.generation)})
		}
	}
	return active
}

// poolName is what the thread of that number is called, unless the application
// has called it something else.
func poolName(number int) string { return "gowsgi-" + strconv.Itoa(number+1) }

// threadStack adds what is known of the thread with Python's name ident.
func (a *Application) threadStack(ident uint64, activity []C.gowsgi_activity, name, text string) ThreadStack {
	t := ThreadStack{Name: name, Pool: -1, Text: text, Main: ident == uint64(C.gowsgi_main_thread())}
	for i, does := range activity {
		if uint64(does.ident) != ident {
			continue
		}
		t.Pool = i
		if name == "" {
			t.Name = poolName(i)
		}
		if does.request >= 0 {
			t.Request, t.Generation = a.Request(int(does.request)), uint64(does.generation)
		}
	}
	switch {
	case t.Name != "":
	case t.Main:
		t.Name = "MainThread"
	default:
		t.Name = fmt.Sprintf("%#x", ident)
	}
	return t
}

func (s Stacks) sorted() Stacks {
	slices.SortFunc(s.Threads, func(a, b ThreadStack) int {
		if (a.Pool < 0) != (b.Pool < 0) {
			return b.Pool - a.Pool
		}
		if a.Pool != b.Pool {
			return a.Pool - b.Pool
		}
		return strings.Compare(a.Name, b.Name)
	})
	return s
}
