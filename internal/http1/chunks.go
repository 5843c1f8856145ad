package http1

// #include "head.h"
import "C"

import "unsafe"

// Chunks reads a chunked body (RFC 9112, 7.1). Its zero value is at the
// beginning of one. Extensions and trailers are read by the rules and thrown
// away; a trailer that says how to read the message is refused.
type Chunks struct{ state C.gowsgi_chunks }

// Next reads on, up to the next piece of the body, which is the end of
// data[:used], or to the body's end, which is done. Nothing of data[:used] is
// wanted again. The error is a *Refusal.
func (c *Chunks) Next(data []byte, limits *Limits) (body []byte, used int, done bool, err error) {
	l := limits.c()
	// SAFETY: C keeps none of the pointers; data is as long as it is told.
	n := C.gowsgi_chunks_read(&c.state, (*C.uint8_t)(unsafe.SliceData(data)), C.uint32_t(len(data)), &l)
	if n < 0 {
		return nil, 0, false, refusal(c.state.status, c.state.why, c.state.error_at)
	}
	used = int(n)
	return data[used-int(c.state.body_size) : used], used, bool(c.state.done), nil
}
