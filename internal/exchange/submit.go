package exchange

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// fly waits for what the application has to say.
func (x *exchange) fly() {
	x.flies = true
	x.flight.Timeout = x.mount.timeout
	x.h.watcher.Add(&x.flight, x, x.req)
	x.respond()
	if !x.flight.TimedOut() {
		x.h.watcher.Remove(&x.flight)
		x.flies = false
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
	req.SetApplication(x.mount.number)
	length, err := x.readBody()
	if err != nil {
		return bodyError{err}
	}
	b, err := req.Environ()
	if err != nil {
		return err
	}
	if !x.fillEnviron(b) {
		return errOutside // not what was found when the application was chosen
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

// ClientLeft tells whether nobody waits for the response any more. A client that
// has only ended its own direction may well wait for it; but as long as the
// request is queued it is taken for one that has left: nearly all who do that
// close the connection, which looks the same, and a queue must not be full of
// requests that nobody waits for.
func (x *exchange) ClientLeft(queued bool) bool {
	gone, finished := x.w.Presence()
	return gone || finished && queued
}

// errOutside is a request outside of the mount.
var errOutside = errors.New("outside of the mount")

// bodyError is a request body that could not be read.
type bodyError struct{ error }

func (e bodyError) Unwrap() error { return e.error }

// fail answers a request that did not get to Python.
func (x *exchange) fail(err error) {
	var body bodyError
	switch {
	case x.upload.isLate():
		x.logLate()
		x.refuse(http.StatusRequestTimeout)
	case isFull(err):
		x.h.logSpool("a request body has no room in the folder for temporary files and gets a 507: make room there, or change spool_limit or worker_tmp_dir",
			"spool.full", err)
		x.h.countRefusal(tally.Failed)
		x.refuse(http.StatusInsufficientStorage)
	case errors.As(err, &body):
		x.LogRequest(slog.LevelInfo, "the body could not be read", "request.malformed", "error", err.Error())
		x.refuse(bodyStatus(body.error))
	case errors.Is(err, gil.ErrBusy):
		x.h.log.Warn("too many requests wait for a Python thread", "event", "request.refused",
			"backlog_requests", x.h.settings.BacklogRequests, "method", x.r.Method, "uri", x.uri, "request_id", x.requestID())
		x.h.countRefusal(tally.QueueFull)
		x.refuse(http.StatusServiceUnavailable)
	case errors.Is(err, errOutside):
		x.refuse(http.StatusNotFound)
	case errors.Is(err, gil.ErrClosed):
		x.h.countRefusal(tally.Closing)
		x.refuse(http.StatusServiceUnavailable)
	default:
		x.LogRequest(slog.LevelError, "the request could not be started", "request.failed", "error", err.Error())
		x.h.countRefusal(tally.Failed)
		x.refuse(http.StatusInternalServerError)
	}
}
