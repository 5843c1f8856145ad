package server

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/config"
)

type handler struct {
	app      *embed.Application
	settings config.Settings
	log      *slog.Logger
	access   *AccessLog // nil: none
	ids      *requestIDs
	trusted  *proxies
	flights  *flights
	draining *atomic.Bool // every response is its connection's last
	hooks    Hooks
	plain    bool  // plain requests do not go through net/http
	dates    clock // the field Date of their responses
	camera   camera
	advised  sync.Map // what Hooks.Advise was called for
}

// exchange is one request and its response. One goroutine works on it.
type exchange struct {
	h      *handler
	w      http.ResponseWriter
	r      *http.Request
	req    *embed.Request // nil until one is acquired
	conn   *connection
	plain  *plain // nil: net/http has the request
	client address
	scheme string
	uri    string // the request's target, as logs may have it
	start  time.Time

	status  int
	begun   bool // the response's head has gone to net/http
	written int64
	ran     bool // the application did, to its end
	streams bool // the body is read while the application runs
	upload  *upload
	abort   bool // the connection must not look as if all was well
	flight  flight

	body   *countedBody  // nil: none, or nobody wants to know
	number atomic.Uint64 // in requestID; 0: none yet
	took   time.Duration // start to end, for the access log
	line   []byte        // of the access log; the next exchange uses the memory
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn := connectionOf(r)
	if conn.isSpoiled() { // net/http had it in its buffer
		panic(http.ErrAbortHandler)
	}
	if !h.exchange(conn, w, r, nil) {
		if !r.ProtoAtLeast(1, 1) {
			conn.reset() // without chunks, a plain close would look like the end
		}
		panic(http.ErrAbortHandler) // net/http's way to drop a connection
	}
}

// exchange serves a request of conn. False: the connection must not go on, and
// not look as if all was well.
func (h *handler) exchange(conn *connection, w http.ResponseWriter, r *http.Request, pl *plain) (goesOn bool) {
	x := exchanges.Get().(*exchange)
	*x = exchange{h: h, w: w, r: r, conn: conn, plain: pl, client: conn.client, start: time.Now(), line: x.line}
	x.uri = loggedTarget(r.RequestURI)
	x.serve()
	x.leaveBody()
	if x.flight.timedOut {
		x.leaveRequest()
	}
	if h.access != nil {
		h.access.write(x) // who has the answer finds its line
	}
	x.endPlain()
	if x.req != nil {
		x.req.Release()
	}
	goesOn = !x.abort && (pl == nil || pl.answer.goesOn() && pl.body.left == 0)
	if !x.flight.kept {
		*x = exchange{line: x.line}
		exchanges.Put(x)
		if pl != nil {
			pl.release()
		}
	}
	return goesOn
}

func (x *exchange) serve() {
	h := x.h
	var contradicts bool
	x.scheme, contradicts = h.trusted.scheme(x.client.host, x.r.Header)
	if x.plain == nil && !x.conn.begin(x.r) {
		x.logRequest(slog.LevelInfo, "the length of the body is ambiguous", "request.malformed")
		x.refuse(http.StatusBadRequest)
		return
	}
	if contradicts {
		x.logRequest(slog.LevelInfo, "X-Forwarded-Proto, -Protocol and -Ssl contradict each other: have the proxy set one and drop the others",
			"request.malformed")
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
	if !x.flight.timedOut {
		h.flights.remove(x)
	}
}

// submit reads the body ahead and queues the request for Python.
func (x *exchange) submit() error {
	req, err := x.h.app.Acquire()
	if err != nil {
		return err
	}
	x.req = req
	req.SetLabel(x)
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
	board := x.h.hooks.Board
	board.Begin(req.Index(), x.r.Method, x.uri)
	if err := req.Submit(x.r.Method == http.MethodHead); err != nil {
		board.End(req.Index())
		return err
	}
	return nil
}

// clientLeft tells whether nobody waits for the response any more: writing it
// failed, or somebody listened.
func (x *exchange) clientLeft() bool { return x.r.Context().Err() != nil || x.conn.hasLeft() }

// errOutside is a request outside of the mount.
var errOutside = errors.New("outside of the mount")

// bodyError is a request body that could not be read.
type bodyError struct{ error }

// fail answers a request that did not get to Python.
func (x *exchange) fail(err error) {
	var body bodyError
	switch {
	case x.upload.isLate():
		x.logLate()
		x.refuse(http.StatusRequestTimeout)
	case errors.As(err, &body):
		x.logRequest(slog.LevelInfo, "the body could not be read", "request.malformed", "error", err.Error())
		x.refuse(bodyStatus(body.error))
	case errors.Is(err, gil.ErrBusy):
		x.h.log.Warn("too many requests wait for a Python thread", "event", "request.refused",
			"backlog_requests", x.h.settings.BacklogRequests, "method", x.r.Method, "uri", x.uri)
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

// name is the request in a few words: GET /path.
func (x *exchange) name() string {
	const most = 200
	uri := x.uri
	if len(uri) > most {
		uri = uri[:most] + "…"
	}
	return x.r.Method + " " + uri
}

// logRequest logs something about this request.
func (x *exchange) logRequest(level slog.Level, message, event string, attrs ...any) {
	attrs = append(append([]any{"event", event}, x.identity()...), attrs...)
	x.h.log.Log(x.r.Context(), level, message, attrs...)
}

// identity says which request it is, in the log.
func (x *exchange) identity() []any {
	return []any{"method", x.r.Method, "uri", x.uri, "client", x.r.RemoteAddr, "request_id", x.requestID()}
}
