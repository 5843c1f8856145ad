package exchange

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// foreign is a ResponseWriter that is not ours as a wire: of net/http's server
// for HTTP/2, of a Go program that serves an application with its own
// http.Server, of a test. What it cannot do is done as well as can be: the
// reason phrase and the order of the fields are net/http's, and a response that
// is not whole ends as net/http ends it (http.ErrAbortHandler).
type foreign struct {
	http.ResponseWriter
	r       *http.Request
	h       *Handler
	control *http.ResponseController
	streams bool // the body is read while the response goes out
	begun   bool
	last    bool
	aborted bool
	failed  bool        // writing did
	whole   atomic.Bool // all of the response is out
	status  int
	out     int   // size of the heads
	facts   facts // nil: nobody has any
	pacing
}

// facts are what a ResponseWriter may know of its connection.
type facts interface {
	RequestsBefore() int
	HeadSize() int
}

func newForeign(h *Handler, w http.ResponseWriter, r *http.Request) *foreign {
	f := &foreign{ResponseWriter: w, r: r, h: h, control: http.NewResponseController(w)}
	f.facts, _ = w.(facts)
	if r.ProtoMajor > 1 && r.Body != nil {
		r.Body = &stream{r.Body, f}
	}
	return f
}

// ofNetHTTP are the fields that net/http looks for, under these names. All
// others go out in the application's spelling.
var ofNetHTTP = map[string]bool{"Content-Type": true, "Content-Encoding": true, "Date": true, "Connection": true}

func (f *foreign) Begin(status int, _ string, fields [][2]string, length int64) {
	h := f.Header()
	h["Content-Type"] = nil // net/http would guess one
	for _, field := range fields {
		// The strings may be C's memory.
		name, value := strings.Clone(field[0]), strings.Clone(field[1])
		// In HTTP/2 all names are in lower case, and one that is spelled in two ways is one
		// field, whose values have an order.
		if known := http.CanonicalHeaderKey(name); ofNetHTTP[known] || f.r.ProtoMajor > 1 {
			name = known
		}
		h[name] = append(h[name], value)
	}
	if length >= 0 && bodyAllowed(status) {
		h["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
	switch {
	case f.r.ProtoMajor > 1: // a stream ends, and nothing else does
		delete(h, "Connection")
	case f.h.draining() || f.streams || hasToken(strings.Join(h["Connection"], ","), "close"):
		// Where a body that has not been read ends, nobody knows before the head is out.
		h["Connection"] = []string{"close"}
		f.last = true
	}
	f.begun, f.status = true, status
	f.out = f.reckon()
	f.WriteHeader(status)
}

func (f *foreign) WriteBlocks(blocks ...[]byte) (written int64, err error) {
	for _, block := range blocks {
		n, err := f.Write(block)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (f *foreign) SetReadDeadline(t time.Time) error {
	f.reads.Store(!t.IsZero())
	return f.control.SetReadDeadline(t)
}

// Stream is called if the body is to be read while the response goes out.
func (f *foreign) Stream() {
	f.streams = true
	_ = f.control.EnableFullDuplex() // HTTP/2 is like that anyway, and says so with an error
}

// LeaveBody has net/http read a little of it, so that the client gets to read
// the answer; it need not wait for what never comes. HTTP/2 has a frame for that.
func (f *foreign) LeaveBody() {
	if f.r.ProtoMajor == 1 {
		_ = f.control.SetReadDeadline(time.Now().Add(timeForLeft))
	}
}

const timeForLeft = 5 * time.Second

// Abort has what there is go out first, as far as the client takes it.
func (f *foreign) Abort() {
	f.aborted = true
	if f.begun && !f.failed {
		_ = f.FlushError()
	}
}

// End leaves it to net/http to send what is left, in time.
func (f *foreign) End() error {
	f.limit(0)
	return nil
}

func (f *foreign) Keep() {}

// Presence does not know whether the client of an HTTP/2 stream is there that has
// ended, as one of HEAD has with the response's head.
func (f *foreign) Presence() (gone, finished bool) {
	return f.r.Context().Err() != nil && !f.whole.Load(), false
}

func (f *foreign) Local() (host, port string) {
	if local, ok := f.r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		server := splitClient(local.String())
		host, port = server.Host, server.Port
	}
	return host, port
}

func (f *foreign) Remote() (host, port string) {
	client := splitClient(f.r.RemoteAddr)
	return client.Host, client.Port
}

// RequestsBefore is 0 where nobody knows.
func (f *foreign) RequestsBefore() int {
	if f.facts == nil {
		return 0
	}
	return f.facts.RequestsBefore()
}

// HeadSize is 0 where nobody knows.
func (f *foreign) HeadSize() int {
	if f.facts == nil {
		return 0
	}
	return f.facts.HeadSize()
}

func (f *foreign) HeadsOut() int { return f.out }

func (f *foreign) Closes() bool { return f.last || f.r.Close }

// reckon is the size that the response's head will have: net/http makes it.
func (f *foreign) reckon() int {
	h := f.Header()
	size := len("HTTP/1.1 200 \r\n") + len(http.StatusText(f.status)) + len("\r\n")
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(": ") + len(value) + len("\r\n")
		}
	}
	if h["Date"] == nil {
		size += len("Date: ") + len(http.TimeFormat) + len("\r\n")
	}
	if h["Content-Length"] == nil && bodyAllowed(f.status) && f.r.ProtoAtLeast(1, 1) {
		size += len("Transfer-Encoding: chunked\r\n")
	}
	return size
}

// isTooLarge tells whether a body is larger than limit_request_body.
func isTooLarge(err error) bool {
	var tooLarge *http.MaxBytesError
	return errors.As(err, &tooLarge)
}
