package exchange

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// pacing has clients keep their pace where net/http has the connection. Its deadlines
// hold until they are taken back, and end an HTTP/2 stream also while nobody reads or
// writes: an application that takes its time is no slow client. So they are set for
// each step, and taken back after it.
type pacing struct {
	reads    atomic.Bool // there is a deadline
	writes   bool        // there is one
	buffered int         // bytes that net/http keeps at most, or all that it can
}

const (
	// httpBuffer is what net/http keeps of an HTTP/2 response before it sends
	// anything: what fits does not have to wait for the client.
	httpBuffer = 4 << 10
	// aStep is how much is written under one deadline: net/http does not tell how far it
	// has got.
	aStep = 64 << 10
)

// limit sets the deadline for the client to take that many bytes.
func (f *foreign) limit(size int) {
	if p := paceOf(&f.h.settings); p.write > 0 {
		f.writes = true
		_ = f.control.SetWriteDeadline(time.Now().Add(p.write + p.allowance(int64(size))))
	}
}

// unlimit takes it back.
func (f *foreign) unlimit() {
	if f.writes && f.r.ProtoMajor > 1 {
		f.writes = false
		_ = f.control.SetWriteDeadline(time.Time{})
	}
}

// Write writes p in steps.
func (f *foreign) Write(p []byte) (written int, err error) {
	if f.r.ProtoMajor > 1 && f.buffered+len(p) < httpBuffer {
		n, err := f.ResponseWriter.Write(p)
		f.buffered += n
		f.failed = err != nil
		return n, err
	}
	defer f.unlimit()
	for len(p) > 0 {
		step := p[:min(len(p), aStep)]
		f.limit(len(step))
		n, err := f.ResponseWriter.Write(step)
		written += n
		if err != nil {
			f.failed = true
			return written, err
		}
		p = p[len(step):]
	}
	f.buffered = httpBuffer // or less; nobody knows
	return written, nil
}

// FlushError sends what net/http keeps.
func (f *foreign) FlushError() error {
	f.limit(f.buffered)
	defer f.unlimit()
	if f.whole.Load() {
		return nil
	}
	err := f.control.Flush()
	if f.begun && f.r.Method == http.MethodHead && f.r.ProtoMajor > 1 {
		f.whole.Store(true) // the stream has ended, which looks like an error
		err = nil
	}
	f.buffered, f.failed = 0, err != nil
	return err
}

// stream is the body of an HTTP/2 request.
type stream struct {
	io.ReadCloser
	f *foreign
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if s.f.reads.Load() && n > 0 && err == nil {
		_ = s.f.SetReadDeadline(time.Time{})
	}
	return n, err
}
