package embed

/*
#include <stdlib.h>
#include "request.h"
*/
import "C"

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// Requests keep their memory for the next use: a block, a body, the fields and
// blocks of a response. What idle ones keep is limited, all of them together; a
// large response or body is not kept at all.
const (
	keptInAll = 8 << 20
	keptByOne = keptInAll / 2
)

// The C library keeps what is freed in pieces that it hopes to use again. After this
// much it is asked to look what it can do without.
const (
	freedBeforeTrim = 16 << 20
	trimAfter       = time.Second // so that a burst is over, and no more often than that
)

// memory is what an application's idle requests keep. Its lock is the application's.
type memory struct {
	kept  int64 // bytes
	bare  int   // so many requests, from the first idle one on, keep nothing
	freed int64 // since the C library was last asked
	asked bool  // it will be
}

// room is how many bytes of memory the request keeps.
func (r *Request) room() int64 {
	c, b := r.c, &r.c.response.batches
	const segment, pointer = C.size_t(unsafe.Sizeof(C.wsgi_segment{})), C.size_t(unsafe.Sizeof(uintptr(0)))
	return int64(c.block_room + c.body.own_room + c.body.spare_size + c.response.head.room +
		c.response.released_room*pointer + b[0].copies_room + b[1].copies_room + b[2].copies_room + (b[0].room+b[1].room+b[2].room)*segment)
}

// takeIdle takes the request that was used last: its memory is warm. nil if there is
// none.
func (a *Application) takeIdle() *Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := len(a.idle)
	if n == 0 {
		return nil
	}
	r := a.idle[n-1]
	a.idle = a.idle[:n-1]
	a.memory.kept -= r.kept
	a.memory.bare = min(a.memory.bare, n-1)
	return r
}

// putIdle gives a request back. passed is how many bytes of others' memory the
// response was made of and the body was read into, which have been freed. If idle requests keep too much then,
// those give theirs back that have not been used for longest.
func (a *Application) putIdle(r *Request, passed int64) {
	r.kept = r.room()
	a.mu.Lock()
	defer a.mu.Unlock()
	m := &a.memory
	m.freed += passed
	m.kept += r.kept
	a.idle = append(a.idle, r)
	if r.kept > keptByOne {
		m.release(r)
	}
	for ; m.kept > keptInAll; m.bare++ {
		m.release(a.idle[m.bare])
	}
	a.mayTrim()
}

// noteFreed notes that bytes of memory have been freed.
func (a *Application) noteFreed(bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.memory.freed += bytes
	a.mayTrim()
}

// mayTrim has the C library asked if that is worth it. Lock: held.
func (a *Application) mayTrim() {
	if m := &a.memory; m.freed > freedBeforeTrim && !m.asked {
		m.asked = true
		time.AfterFunc(trimAfter, a.trim)
	}
}

// release takes an idle request's memory.
func (m *memory) release(r *Request) {
	C.gowsgi_request_release_memory(r.c)
	m.freed += r.kept
	m.kept -= r.kept
	r.kept = 0
}

func (a *Application) trim() {
	a.mu.Lock()
	a.memory.freed, a.memory.asked = 0, false
	a.mu.Unlock()
	C.gowsgi_memory_trim()
}

// NewCounter is a number, 0 at first, in C's memory, so that C may add to it as well.
// It is never freed.
func NewCounter() *atomic.Uint64 {
	const line = 64 // bytes: nobody else is to slow it down
	memory := C.calloc(1, line)
	if memory == nil {
		return new(atomic.Uint64)
	}
	// SAFETY: calloc's memory is zero and aligned for any type.
	return (*atomic.Uint64)(memory)
}
