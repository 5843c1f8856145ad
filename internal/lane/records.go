//go:build linux

package lane

/*
#include <stdlib.h>
#include "lane.h"
*/
import "C"

import (
	"time"
	"unsafe"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/http1"
)

// Record is what there is to tell of a request that ended in the lane. Head and
// fields are C's memory, valid during the call.
type Record struct {
	Local, Remote http1.Address
	Trusted       bool      // the client is a proxy that is believed
	Secure        bool      // it speaks TLS
	Time          time.Time // when it came
	Took, Queued  time.Duration
	Inside, GIL   time.Duration
	Number        uint64 // in its name; 0: a proxy gave it one
	Status        int
	Length        int64 // of the response, as it says; -1: it does not
	BytesIn       int64
	BytesOut      int64
	HeadOut       int
	Before        int
	Thread        int
	Application   int // its number
	Closes        bool
	Head          []byte
	Fields        [][2]string
}

// gathering is for how long records are gathered before they are passed on: as long
// as the access log may keep its lines.
const gathering = 20 * time.Millisecond

// record passes records on until the process ends.
func (l *Lane) record() {
	buf := make([]byte, 8)
	for {
		if l.Flush() {
			continue
		}
		if _, err := l.ended.Read(buf); err != nil {
			return
		}
		time.Sleep(gathering)
	}
}

// Flush passes those records on that wait, and tells whether there were any. From any
// goroutine: whoever writes a line of a request that was not the lane's has those
// before it written first.
func (l *Lane) Flush() (any bool) {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	lost := C.int64_t(0)
	c := C.gowsgi_lane_records(l.c, &lost)
	if lost > 0 {
		l.config.Lost(int64(lost))
	}
	for ; c != nil; any = true {
		l.pass(c, &l.flushed)
		next := c.next
		C.free(unsafe.Pointer(c))
		c = next
	}
	return any
}

func (l *Lane) pass(c *C.gowsgi_record, r *Record) {
	// SAFETY: head_size and fields_size bytes stand behind the record.
	data := (*byte)(unsafe.Add(unsafe.Pointer(c), unsafe.Sizeof(*c)))
	text := unsafe.Slice(data, int(c.head_size)+int(c.fields_size))
	head, fields := text[:c.head_size], text[c.head_size:]
	*r = Record{
		Local: address(&c.local), Remote: address(&c.remote), Trusted: c.trusted != 0, Secure: c.secure != 0, Time: time.Unix(0, int64(c.time)),
		Took: time.Duration(c.took), Queued: time.Duration(c.queued), Inside: time.Duration(c.inside), GIL: time.Duration(c.gil),
		Number: uint64(c.number), Status: int(c.status), Length: int64(c.length), BytesIn: int64(c.bytes_in), BytesOut: int64(c.bytes_out),
		HeadOut: int(c.head_out), Before: int(c.before), Thread: int(c.thread), Application: int(c.application), Closes: c.closes != 0,
		Head: head, Fields: embed.HeadFields(r.Fields[:0], unsafe.String(unsafe.SliceData(fields), len(fields))),
	}
	l.config.Record(r)
}
