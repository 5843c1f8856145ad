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
//
// r.Body stays what net/http made it: by its type it finds out, after the
// response, that some of the body is left and no other request can follow.
func (x *exchange) readBody() (length int64, err error) {
	r, s := x.r, &x.h.settings
	if r.ContentLength == 0 || r.Body == http.NoBody {
		x.req.SetBody(0)
		return 0, nil
	}
	source := r.Body
	if s.LimitRequestBody > 0 {
		source = http.MaxBytesReader(x.w, source, s.LimitRequestBody)
	}
	x.upload = &upload{ReadCloser: x.counted(source), control: http.NewResponseController(x.w), pace: paceOf(s)}
	if x.expects() {
		return x.stream(nil)
	}
	if r.ContentLength > 0 && r.ContentLength <= int64(s.RequestBuffer) {
		buf, err := x.req.Body(int(r.ContentLength))
		if err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(x.upload, buf); err != nil {
			return 0, err
		}
		x.req.SetBody(len(buf))
		return r.ContentLength, nil
	}
	return x.readUnknown()
}

// expects tells whether the client waits for 100 Continue before it sends its
// body, or may do so (RFC 9110, 10.1.1). HTTP/1.0 knows no such thing, an empty
// field expects nothing, and anything else got net/http's 417.
func (x *exchange) expects() bool {
	return x.r.ProtoAtLeast(1, 1) && x.r.ContentLength != 0 && first(x.r.Header, "Expect") != ""
}

// isOpenEnded tells whether nobody can know what follows the request's head: a
// body that was not asked for yet may come all the same.
func (x *exchange) isOpenEnded() bool {
	return x.expects() && (x.upload == nil || !x.upload.ended.Load())
}

// readUnknown reads ahead a body that is too long or of unknown length.
func (x *exchange) readUnknown() (int64, error) {
	var ahead []byte
	for size := min(firstBody, x.h.settings.RequestBuffer); ; size = min(size*4, x.h.settings.RequestBuffer) {
		buf := make([]byte, size)
		copied := copy(buf, ahead)
		n, err := io.ReadFull(x.upload, buf[copied:])
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
	x.req.StreamBody(x.upload, len(ahead), x.r.ContentLength, func() {
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
	if !x.req.StopBody() && x.expects() {
		// Nobody said 100 Continue, and the response that the connection ends
		// (isOpenEnded). net/http takes a little of what comes all the same.
		_ = control.SetReadDeadline(time.Now().Add(timeForLeft))
		return
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
