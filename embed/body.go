package embed

/*
#include "request.h"

#cgo noescape gowsgi_request_body
#cgo nocallback gowsgi_request_body
#cgo noescape gowsgi_request_feed
#cgo nocallback gowsgi_request_feed
*/
import "C"

import (
	"io"
	"math"
	"sync"
	"time"
	"unsafe"
)

// Body gives memory for size bytes of request body that the caller reads
// before Submit; of what it gave before, the first kept bytes are in it. SetBody,
// SpoolBody or StreamBody tells how many there were.
func (r *Request) Body(size, kept int) ([]byte, error) {
	if C.gowsgi_request_body(r.c, C.size_t(size), C.size_t(kept)) != 0 {
		return nil, errOutOfMemory
	}
	// SAFETY: body has at least size bytes and is Go's until Submit.
	return unsafe.Slice((*byte)(r.c.body.data), size), nil
}

// FreeBody gives back what Body gave, before Submit.
func (r *Request) FreeBody() { C.gowsgi_request_free_body(r.c) }

// SetBody makes the first size bytes of Body the whole request body.
func (r *Request) SetBody(size int) {
	r.body = body{size: size, length: int64(size)}
}

// SpoolBody makes the first size bytes of a file the whole request body. The
// descriptor, which is closed after the request and all who read it, is the
// caller's only if there is an error.
func (r *Request) SpoolBody(fd int, size int64) error {
	if C.gowsgi_request_body_file(r.c, C.int(fd)) != 0 {
		return errOutOfMemory
	}
	r.body = body{length: size}
	return nil
}

// StreamBody makes the request body the first size bytes of Body, then what
// source yields once the application asks for it. length is the body's length
// in bytes, or -1 if it is unknown. interrupt makes a Read of source that is
// under way return; it is called if the application is done while there is one.
func (r *Request) StreamBody(source io.Reader, size int, length int64, interrupt func()) {
	r.body = body{size: size, length: length}
	left := length - int64(size)
	if length < 0 {
		left = math.MinInt64 / 2 // never counts down to nothing
	}
	r.body.pump = &pump{
		r: r, source: source, left: left, interrupt: interrupt,
		quit: make(chan struct{}), done: make(chan struct{}),
	}
}

// body is the body of a request that is about to be submitted, or was.
type body struct {
	size   int   // bytes that are there before
	length int64 // -1: unknown
	pump   *pump // reads the rest while the application runs; nil: there is none
}

// pump moves a request body into the ring that wsgi.input reads from.
type pump struct {
	r          *Request
	source     io.Reader
	left       int64 // bytes that are still to come; negative if unknown
	interrupt  func()
	quit, done chan struct{}

	mu       sync.Mutex
	reading  bool // a Read of source is under way
	touched  bool // there has been one
	stopping bool
}

func (p *pump) run() {
	defer close(p.done)
	for {
		select {
		case <-p.r.task.Input():
		case <-p.quit:
			return
		}
		if p.fill() {
			return
		}
	}
}

// fill reads until the ring is full (false), the body has ended or the request
// is over (true).
func (p *pump) fill() bool {
	for {
		var data *C.uint8_t
		space := int(C.gowsgi_request_space(p.r.c, &data))
		if space == 0 {
			return false
		}
		if !p.begin() {
			return true
		}
		// SAFETY: C leaves this part of the ring alone until it is fed.
		n, err := p.source.Read(unsafe.Slice((*byte)(data), space))
		p.end()
		p.left -= int64(n)
		var ended, failed C.int
		if err == nil && p.left == 0 {
			err = io.EOF // a Read to be told so could wait
		}
		if err != nil {
			ended = 1
		}
		if err != nil && err != io.EOF {
			failed = 1
		}
		C.gowsgi_request_feed(p.r.c, C.size_t(n), ended, failed)
		if err != nil {
			return true
		}
	}
}

func (p *pump) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = !p.stopping
	p.touched = p.touched || p.reading
	return p.reading
}

func (p *pump) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = false
}

// StopBody leaves a streamed body's source alone for good. touched: it was read
// from. The request is done.
func (r *Request) StopBody() (touched bool) {
	if r.body.pump == nil {
		return false
	}
	touched = r.body.pump.stop()
	r.body.pump = nil
	return touched
}

// IsBodyUntouched tells whether nobody has read of a streamed body's source, or
// is about to: the application is done.
func (r *Request) IsBodyUntouched() bool {
	p := r.body.pump
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.touched
}

// grace is how long a Read that is under way when the application is done may
// go on: interrupting it costs the connection.
const grace = time.Second

// stop waits until the pump has left source alone for good.
func (p *pump) stop() (touched bool) {
	p.mu.Lock()
	p.stopping = true
	reading := p.reading
	p.mu.Unlock()
	close(p.quit)
	if reading {
		select {
		case <-p.done: // the rest was on its way
		case <-time.After(grace):
			p.interrupt()
		}
	}
	<-p.done
	select { // a late ring must not start the next request's pump
	case <-p.r.task.Input():
	default:
	}
	return p.touched
}
