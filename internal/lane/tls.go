//go:build linux

package lane

/*
#include <sys/uio.h>
#include "lane.h"
*/
import "C"

import (
	"runtime"
	"runtime/cgo"
	"time"
	"unsafe"

	"github.com/gowsgi/gowsgi/environ"
	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/http1"
)

// longRequest is the time in Python from which on a request's answer had better be sealed
// by a goroutine, if others wait for Python. A thread that comes from Python waits for a
// P of Go's; where there is but one, because other workers have the cores, that soon
// costs more than the way through goroutines.
func longRequest() time.Duration {
	if runtime.GOMAXPROCS(0) == 1 {
		return 50 * time.Microsecond
	}
	return 500 * time.Microsecond
}

// take notes the TLS of a connection that the lane is to have; release undoes that.
func (l *Lane) take(to *C.gowsgi_connection, tls *http1.Secured) {
	if tls == nil {
		return
	}
	l.secure.Add(1)
	var b environ.Builder
	certs.Variables(tls.State(), b.Variable)
	to.tls = C.uintptr_t(cgo.NewHandle(tls))
	to.variables, to.variables_size = (*C.uint8_t)(C.CBytes(b.Block())), C.size_t(len(b.Block()))
}

// release is the TLS of a connection that the lane does not have any more; nil: none.
func (l *Lane) release(from *C.gowsgi_connection) *http1.Secured {
	if from.tls == 0 {
		return nil
	}
	l.secure.Add(-1)
	h := cgo.Handle(from.tls)
	defer h.Delete()
	return h.Value().(*http1.Secured)
}

// go_lane_open opens what a connection has sent, and returns what it says. quiet: there
// is nothing else. Called by the lane's reader, without the GIL and without a lock.
//
//export go_lane_open
func go_lane_open(tls C.uintptr_t, in *C.uint8_t, size C.size_t, to *C.uint8_t, room C.size_t, quiet *C.int) (n C.size_t) {
	defer func() {
		if recover() != nil { // a panic must not unwind into C
			n = 0
		}
	}()
	s := cgo.Handle(tls).Value().(*http1.Secured)
	// SAFETY: C has so much of each, and nothing is kept of them.
	opened, is := s.Open(unsafe.Slice((*byte)(in), int(size)), unsafe.Slice((*byte)(to), int(room)))
	*quiet = C.int(truth(is))
	return C.size_t(opened)
}

// go_lane_seal makes records of what is to be sent, and returns their size; 0: what there
// is of them is Go's. Called by the application's threads, without the GIL and without a
// lock.
//
//export go_lane_seal
func go_lane_seal(tls C.uintptr_t, pieces *C.struct_iovec, count C.int, to *C.uint8_t, room C.size_t) (n C.size_t) {
	var s *http1.Secured
	defer func() {
		if recover() != nil { // a panic must not unwind into C
			n = 0
			if s != nil {
				s.Lose()
			}
		}
	}()
	s = cgo.Handle(tls).Value().(*http1.Secured)
	blocks := s.Blocks(int(count))
	defer s.Forget()
	// SAFETY: C has so many, each of its size, and nothing is kept of them.
	for i, piece := range unsafe.Slice(pieces, int(count)) {
		blocks[i] = unsafe.Slice((*byte)(piece.iov_base), int(piece.iov_len))
	}
	sealed, ok := s.Seal(blocks, unsafe.Slice((*byte)(to), int(room)))
	if !ok {
		return 0
	}
	return C.size_t(sealed)
}
