package exchange

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/internal/spool"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// Bodies of unknown length are read into this much at first.
const firstBody = 64 << 10

// A body that streams passes through a ring of at least this size.
const leastRing = 64 << 10

// readBody reads the request body ahead, so that a slow client holds no Python
// thread: into memory up to request_buffer, if request_memory allows it, into a file
// up to request_spool; a larger one is left to stream. length is the body's, -1 if it is not known yet.
// An error is the client's, but for spool.ErrFull: see bodyStatus.
//
// With Expect: 100-continue, reading is what has the client send it; so one that
// will stream is not read ahead at all, and the client gets its answer without
// having sent it if the application does not want it.
func (x *exchange) readBody() (length int64, err error) {
	r, s := x.r, &x.h.settings
	if r.ContentLength == 0 || r.Body == http.NoBody {
		x.req.SetBody(0)
		return 0, nil
	}
	source := r.Body
	if x.mount.largest > 0 {
		source = http.MaxBytesReader(x.w, source, x.mount.largest)
	}
	x.h.readings.add(x)
	defer x.h.readings.remove(x)
	x.upload = &upload{ReadCloser: x.counted(source), wire: x.w, pace: paceOf(s)}
	fits := r.ContentLength > 0 && r.ContentLength <= int64(s.RequestBuffer) && x.hold(r.ContentLength)
	var file *spool.File
	if !fits && r.ContentLength > 0 {
		if file, err = x.makeFile(r.ContentLength); err != nil {
			return 0, err
		}
	}
	switch {
	case fits:
		buf, err := x.req.Body(int(r.ContentLength), 0)
		if err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(x.upload, buf); err != nil {
			return 0, err
		}
		x.req.SetBody(len(buf))
		return r.ContentLength, nil
	case file != nil:
		return x.readIntoFile(file, 0)
	case x.expects() && !x.mayBeInFile(r.ContentLength):
		return x.stream(0, x.upload)
	default:
		return x.readUnknown()
	}
}

// expects tells whether the client waits for 100 Continue before it sends its
// body, or may do so (RFC 9110, 10.1.1). HTTP/1.0 knows no such thing; anything
// else that was expected got a 417.
func (x *exchange) expects() bool {
	return x.r.ProtoAtLeast(1, 1) && strings.EqualFold(first(x.r.Header, "Expect"), "100-continue")
}

// readUnknown reads a body into memory that may be too long for it.
func (x *exchange) readUnknown() (int64, error) {
	ahead := 0
	for size := min(firstBody, x.h.settings.RequestBuffer); ; size = min(size*4, x.h.settings.RequestBuffer) {
		if !x.hold(int64(size)) {
			return x.readOn(ahead)
		}
		buf, err := x.req.Body(size, ahead)
		if err != nil {
			return 0, err
		}
		n, err := io.ReadFull(x.upload, buf[ahead:])
		ahead += n
		switch {
		case err == nil && size < x.h.settings.RequestBuffer:
			continue
		case x.upload.ended.Load(): // else the client has left, which looks the same to ReadFull
			x.req.SetBody(ahead)
			return int64(ahead), nil
		case err == nil:
			return x.readOn(ahead)
		default:
			return 0, err
		}
	}
}

// readOn goes on with a body of which there is as much as memory may have.
func (x *exchange) readOn(ahead int) (int64, error) {
	if x.r.ContentLength < 0 {
		file, err := x.makeFile(int64(ahead))
		if err != nil {
			return 0, err
		}
		if file != nil {
			return x.readIntoFile(file, ahead)
		}
	}
	return x.stream(ahead, x.upload)
}

// stream leaves what source has of the body, behind ahead bytes that are there, to
// be read while the application runs.
func (x *exchange) stream(ahead int, source io.Reader) (int64, error) {
	ring := max(leastRing, x.h.settings.RequestBuffer)
	if !x.hold(int64(ring)) {
		ring = max(leastRing, ahead)
	}
	if _, err := x.req.Body(ring, ahead); err != nil {
		return 0, err
	}
	if other, ok := x.w.(*foreign); ok {
		other.Stream()
	}
	w := x.w
	x.streams = true
	x.req.StreamBody(source, ahead, x.r.ContentLength, func() { _ = w.SetReadDeadline(time.Unix(1, 0)) })
	return x.r.ContentLength, nil
}

// leaveBody leaves what the application did not read of a streamed body to the
// connection.
func (x *exchange) leaveBody() {
	if !x.streams {
		return
	}
	if x.begun && !x.abort {
		_ = x.w.FlushError() // the client need not wait for this
	}
	x.req.StopBody()
	x.w.LeaveBody()
}

// leaveUntouched is leaveBody before the response has begun, if nobody has to be
// waited for: so its head can say that the connection ends.
func (x *exchange) leaveUntouched() {
	if x.streams && x.req.IsBodyUntouched() {
		x.req.StopBody()
		x.w.LeaveBody()
	}
}

// logLate logs that the client was too slow with its body.
func (x *exchange) logLate() {
	x.h.countTimeout(tally.InBody)
	x.LogRequest(slog.LevelInfo, "the client was too slow to send its body", "client.slow", "received", x.upload.received)
}

// bodyStatus is the answer to a body that could not be read.
func bodyStatus(err error) int {
	switch {
	case isTooLarge(err):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	default:
		return http.StatusBadRequest
	}
}

// countedBody is a request body that counts what is read of it, by the
// request's goroutine or the one that feeds wsgi.input.
type countedBody struct {
	io.ReadCloser
	read atomic.Int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// counted has what is read of source counted, if anybody wants to know.
func (x *exchange) counted(source io.ReadCloser) io.ReadCloser {
	if x.h.access == nil && x.h.counts() == nil {
		return source
	}
	x.body = &countedBody{ReadCloser: source}
	return x.body
}

// bytesIn is how much of the request body was read from the client.
func (x *exchange) bytesIn() int64 {
	if x.body == nil {
		return 0
	}
	return x.body.read.Load()
}
