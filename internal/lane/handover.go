//go:build linux

package lane

/*
#include "lane.h"
*/
import "C"

import (
	"time"
	"unsafe"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/http1"
)

// Handed is a connection that becomes Go's.
type Handed struct {
	http1.Handed
	Request *Begun // in the middle; nil: none
}

// Begun is a request that the application has, or that waits for a thread, or that
// it has just done with.
type Begun struct {
	Request *embed.Request
	Number  uint64    // in its name; 0: a proxy gave it one
	Start   time.Time // when it came
	// BodySize is that of its body in bytes, which was read.
	BodySize int64
	Counted  bool // in the figures
}

// adopt passes on what becomes Go's, until the process ends.
func (l *Lane) adopt() {
	buf := make([]byte, 8)
	for {
		wanted := C.int(0)
		c := C.gowsgi_lane_handed(l.c, &wanted)
		if wanted > 0 {
			l.stock(int(wanted))
		}
		if c == nil {
			if _, err := l.handed.Read(buf); err != nil {
				return
			}
			continue
		}
		if c.why == C.GOWSGI_LANE_CLOSED {
			l.config.Closed(address(&c.remote))
		} else {
			l.config.Adopt(l.handedOver(c))
		}
		C.gowsgi_lane_taken(l.c, c)
	}
}

var kinds = map[C.uint8_t]http1.Kind{
	C.GOWSGI_LANE_IDLE: http1.Waits, C.GOWSGI_LANE_BYTES: http1.Reads, C.GOWSGI_LANE_LINGER: http1.Lingers, C.GOWSGI_LANE_REQUEST: http1.Runs,
	C.GOWSGI_LANE_ENDS: http1.Ends,
}

func (l *Lane) handedOver(c *C.gowsgi_connection) *Handed {
	h := &Handed{Handed: http1.Handed{
		Parked: http1.Parked{
			FD: int(c.fd), Local: address(&c.local), Remote: address(&c.remote), Requests: int(c.requests),
			Pipelined: c.pipelined != 0, Visits: int(c.visits), TLS: l.release(c),
		},
		Kind: kinds[c.why],
		In:   bytesOf(c.in, c.in_size),
	}}
	if h.Kind != http1.Runs {
		return h
	}
	a := &c.answer
	h.Head = bytesOf(c.head, c.head_size)
	h.Answer = http1.Answer{
		Begun: a.begun != 0, Ended: a.ended != 0, Chunked: a.chunked != 0, NoBody: a.no_body != 0, Reuse: a.reuse != 0, Status: int(a.status),
		Declared: int64(a.declared), Written: int64(a.written), HeadSize: int(a.head_size), Rest: bytesOf(a.rest, a.rest_size),
	}
	age := time.Duration(C.gowsgi_now() - c.began)
	h.Request = &Begun{Request: l.config.App.Request(int(c.request.task.index)), Number: uint64(c.number), Start: time.Now().Add(-age), BodySize: int64(c.body_size), Counted: a.counted != 0}
	return h
}

func bytesOf(data *C.uint8_t, size C.size_t) []byte {
	if size == 0 {
		return nil
	}
	return C.GoBytes(unsafe.Pointer(data), C.int(size))
}
