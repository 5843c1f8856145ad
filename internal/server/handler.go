package server

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/config"
)

type handler struct {
	app      *embed.Application
	settings config.Settings
	log      *slog.Logger
	access   *accessLog // nil: none
	trusted  *proxies
	flights  *flights
}

// exchange is one request and its response. One goroutine works on it.
type exchange struct {
	h      *handler
	w      http.ResponseWriter
	r      *http.Request
	req    *embed.Request // nil until one is acquired
	conn   *connection
	client address
	scheme string
	start  time.Time

	status  int
	begun   bool // the response's head has gone to net/http
	written int64
	streams bool // the body is read while the application runs
	abort   bool // the connection must not look as if all was well
	flight  flight
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if connectionOf(r).isSpoiled() { // net/http had it in its buffer
		panic(http.ErrAbortHandler)
	}
	x := exchanges.Get().(*exchange)
	*x = exchange{h: h, w: w, r: r, conn: connectionOf(r), start: time.Now()}
	x.client = splitClient(r.RemoteAddr)
	x.scheme = h.trusted.scheme(x.client.host, r.Header)
	x.serve()
	x.leaveBody()
	if h.access != nil {
		h.access.write(x)
	}
	if x.req != nil {
		x.req.Release()
	}
	abort, conn := x.abort, x.conn
	*x = exchange{}
	exchanges.Put(x)
	if abort {
		if !r.ProtoAtLeast(1, 1) {
			conn.reset() // without chunks, a plain close would look like the end
		}
		panic(http.ErrAbortHandler) // net/http's way to drop a connection
	}
}

func (x *exchange) serve() {
	h := x.h
	if !x.conn.begin(x.r) {
		x.logRequest(slog.LevelInfo, "the length of the body is ambiguous", "request.malformed")
		x.refuse(http.StatusBadRequest)
		return
	}
	if status := checkHead(x.r, &h.settings); status != 0 {
		x.refuse(status)
		return
	}
	if err := x.submit(); err != nil {
		x.fail(err)
		return
	}
	h.flights.add(x)
	x.respond()
	h.flights.remove(x)
}

// submit reads the body ahead and queues the request for Python.
func (x *exchange) submit() error {
	req, err := x.h.app.Acquire()
	if err != nil {
		return err
	}
	x.req = req
	req.Label = x
	length, err := x.readBody()
	if err != nil {
		return bodyError{err}
	}
	b, err := req.Environ()
	if err != nil {
		return err
	}
	if !x.fillEnviron(b) {
		return errOutside
	}
	setBodyLength(b, x.r, length)
	return req.Submit(x.r.Method == http.MethodHead)
}

// errOutside is a request outside of the mount.
var errOutside = errors.New("outside of the mount")

// bodyError is a request body that could not be read.
type bodyError struct{ error }

// fail answers a request that did not get to Python.
func (x *exchange) fail(err error) {
	var body bodyError
	switch {
	case errors.As(err, &body):
		x.logRequest(slog.LevelInfo, "the body could not be read", "request.malformed", "error", err.Error())
		x.refuse(bodyStatus(body.error))
	case errors.Is(err, gil.ErrBusy):
		x.h.log.Warn("too many requests wait for a Python thread", "event", "request.refused",
			"backlog_requests", x.h.settings.BacklogRequests, "method", x.r.Method, "uri", x.r.RequestURI)
		x.refuse(http.StatusServiceUnavailable)
	case errors.Is(err, errOutside):
		x.refuse(http.StatusNotFound)
	case errors.Is(err, gil.ErrClosed):
		x.refuse(http.StatusServiceUnavailable)
	default:
		x.logRequest(slog.LevelError, "the request could not be started", "request.failed", "error", err.Error())
		x.refuse(http.StatusInternalServerError)
	}
}

// logRequest logs something about this request.
func (x *exchange) logRequest(level slog.Level, message, event string, attrs ...any) {
	attrs = append([]any{"event", event, "method", x.r.Method, "uri", x.r.RequestURI, "client", x.r.RemoteAddr}, attrs...)
	x.h.log.Log(x.r.Context(), level, message, attrs...)
}
