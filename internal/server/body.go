package server

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"
)

// Bodies of unknown length are read into this much at first.
const firstBody = 64 << 10

// A body that streams passes through a ring of at least this size.
const leastRing = 64 << 10

// readBody reads the request body ahead, up to request_buffer, so that a slow
// client holds no Python thread; a larger one is left to stream. length is the
// body's, -1 if it is not known yet. An error is the client's: see bodyStatus.
//
// Who sent Expect: 100-continue waits for a word of the application: nothing is
// read ahead, and net/http says 100 at the first read.
func (x *exchange) readBody() (length int64, err error) {
	r, s := x.r, &x.h.settings
	if r.ContentLength == 0 || r.Body == http.NoBody {
		x.req.SetBody(0)
		return 0, nil
	}
	if s.LimitRequestBody > 0 {
		r.Body = http.MaxBytesReader(x.w, r.Body, s.LimitRequestBody)
	}
	x.countBody()
	x.upload = &upload{ReadCloser: r.Body, control: http.NewResponseController(x.w), pace: paceOf(s)}
	r.Body = x.upload
	if r.Header["Expect"] != nil {
		return x.stream(nil)
	}
	if r.ContentLength > 0 && r.ContentLength <= int64(s.RequestBuffer) {
		buf, err := x.req.Body(int(r.ContentLength))
		if err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(r.Body, buf); err != nil {
			return 0, err
		}
		x.req.SetBody(len(buf))
		return r.ContentLength, nil
	}
	return x.readUnknown()
}

// readUnknown reads ahead a body that is too long or of unknown length.
func (x *exchange) readUnknown() (int64, error) {
	var ahead []byte
	for size := min(firstBody, x.h.settings.RequestBuffer); ; size = min(size*4, x.h.settings.RequestBuffer) {
		buf := make([]byte, size)
		copied := copy(buf, ahead)
		n, err := io.ReadFull(x.r.Body, buf[copied:])
		ahead = buf[:copied+n]
		switch {
		case err == nil && size < x.h.settings.RequestBuffer:
			continue
		case err == nil:
			return x.stream(ahead)
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && x.r.ContentLength < 0:
			body, err := x.req.Body(len(ahead))
			if err != nil {
				return 0, err
			}
			copy(body, ahead)
			x.req.SetBody(len(ahead))
			return int64(len(ahead)), nil
		default:
			return 0, err
		}
	}
}

// stream leaves the rest of the body to be read while the application runs.
func (x *exchange) stream(ahead []byte) (int64, error) {
	ring, err := x.req.Body(max(leastRing, x.h.settings.RequestBuffer))
	if err != nil {
		return 0, err
	}
	copy(ring, ahead)
	control := x.upload.control
	// The application may go on reading after its first block has gone out.
	// HTTP/2 is like that anyway, and says so with an error.
	_ = control.EnableFullDuplex()
	conn := x.conn
	x.streams = true
	x.req.StreamBody(x.r.Body, len(ahead), x.r.ContentLength, func() {
		conn.spoil()
		_ = control.SetReadDeadline(time.Unix(1, 0))
	})
	return x.r.ContentLength, nil
}

// What an application left of a body is read and thrown away up to this much,
// in this time, so that the connection can be used again.
const (
	mostLeft    = 1 << 20
	timeForLeft = 5 * time.Second
)

// leaveBody reads what the application left of a streamed body, or gives the
// connection up. net/http would do it, but cannot in full duplex: it starts to
// read ahead at the body's end and then trips over that.
func (x *exchange) leaveBody() {
	if !x.streams || x.abort {
		return
	}
	control := x.upload.control
	if x.begun {
		_ = control.Flush() // the client need not wait for this
	}
	if !x.req.StopBody() && x.r.Header["Expect"] != nil {
		return // nobody said 100 Continue: there is no body
	}
	if x.upload.isLate() {
		x.conn.spoil()
		return
	}
	_ = control.SetReadDeadline(time.Now().Add(timeForLeft))
	if _, err := io.CopyN(io.Discard, x.upload.ReadCloser, mostLeft); !errors.Is(err, io.EOF) {
		x.conn.spoil()
	}
}

// logLate logs that the client was too slow with its body.
func (x *exchange) logLate() {
	x.logRequest(slog.LevelInfo, "the client was too slow to send its body", "client.slow", "received", x.upload.received)
}

// bodyStatus is the answer to a body that could not be read.
func bodyStatus(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}
