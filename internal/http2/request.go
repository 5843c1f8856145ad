package http2

import (
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gowsgi/gowsgi/internal/http1"
)

// Writer is the way out of a response: the library's, and what a handler may want to
// know of the connection.
type Writer struct {
	http.ResponseWriter
	before, size int
	isHead       bool
	whole        bool // the stream has ended: it was one of HEAD, whose head is out
}

// Unwrap is for http.ResponseController.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// FlushError sends what there is.
func (w *Writer) FlushError() error {
	w.whole = w.whole || w.isHead
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// RequestsBefore is how many requests the connection had before this one.
func (w *Writer) RequestsBefore() int { return w.before }

// HeadSize is the size that the request's head would have in HTTP/1.1, in bytes.
func (w *Writer) HeadSize() int { return w.size }

// ServeHTTP answers a request. The library calls it on a goroutine for each.
func (c *conn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.enter()
	defer c.done()
	began := time.Now()
	before := int(c.requests.Add(1)) - 1
	r.TLS = c.tls // whatever the request says of itself
	t := texts.Get().(*text)
	refusal := t.check(r, &c.server.config.Limits)
	size := len(t.bytes)
	if refusal != nil {
		c.refuse(w, r, t, refusal, began, before)
		t.release()
		return
	}
	t.release()
	delete(r.Header, "Host") // it is r.Host, as in HTTP/1
	own := &Writer{ResponseWriter: w, before: before, size: size, isHead: r.Method == http.MethodHead}
	defer func() {
		if r.Context().Err() != nil && !own.whole {
			c.takenBack()
		}
		c.recover(recover(), r)
	}()
	c.server.config.Handler.ServeHTTP(own, r)
}

// recover logs a fault of ours, and has the stream end with an error.
func (c *conn) recover(reason any, r *http.Request) {
	if reason == nil {
		return
	}
	if err, ok := reason.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		c.server.config.Log.Error("a request was dropped, by a fault of the server's", "event", "request.panicked",
			"uri", r.RequestURI, "client", r.RemoteAddr, "reason", reason, "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}

// refuse answers what was no request.
func (c *conn) refuse(w http.ResponseWriter, r *http.Request, t *text, refusal *http1.Refusal, began time.Time, before int) {
	body := strconv.Itoa(refusal.Status) + " " + http.StatusText(refusal.Status) + "\n"
	fields := [][2]string{{"Content-Type", "text/plain; charset=utf-8"}}
	if refusal.Status == http.StatusMethodNotAllowed {
		fields = append(fields, [2]string{"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"})
	}
	if c.server.config.Dress != nil {
		fields, body = c.server.config.Dress(refusal.Status, fields, body)
	}
	h := w.Header()
	h["Content-Type"] = nil // it would be guessed
	for _, field := range fields {
		h.Add(field[0], field[1])
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if c.server.config.Refused != nil { // who has the answer finds its line
		c.server.config.Refused(&http1.Refused{
			Time: began, Line: t.line(r), Status: refusal.Status, Why: refusal.Why, Local: c.local, Remote: c.remote, Secure: c.tls != nil,
			In: len(t.bytes), Body: len(body), Before: before, Goes: true,
		})
	}
	w.WriteHeader(refusal.Status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, body) // the client may have left
	}
}
