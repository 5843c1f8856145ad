package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/logging"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/scoreboard"
)

// Hooks are what the server tells its owner.
type Hooks struct {
	// Replace is called, once for each of hopeless, when another worker should
	// take this one's place: reason in a few words. hopeless: it cannot finish
	// what it has.
	Replace func(reason string, hopeless bool)
	// Advise is called when the operator should hear something that holds for the
	// whole deployment: once for each event and subject of this worker. uri is that of the request
	// in which it showed. nil: never.
	Advise func(event, subject, uri, message string)
	// Board has a note of every request that is with the application. nil: none.
	Board *scoreboard.Board
}

// refuseWaiting answers a request that no thread had time for.
func (x *exchange) refuseWaiting() {
	if held, ok := x.h.flights.queue.Pass(time.Now(), 1); ok {
		attrs := []any{"queue_timeout", x.h.settings.QueueTimeout.String()}
		x.logRequest(slog.LevelWarn, "the request waited too long for a Python thread", "request.queue_timeout",
			append(attrs, logging.Suppressed(held)...)...)
	}
	x.refuse(http.StatusServiceUnavailable)
}

// timeOut answers for an application that has been silent for too long. From
// here on the request's memory is Python's alone: the exchange goes on without
// it, and somebody else waits for its end.
func (x *exchange) timeOut() {
	silent, inside := x.h.flights.timeOut(x)
	x.flight.timedOut = true
	// Reading or writing any more must not wait for what will not come.
	x.flight.req.Abort(x.flight.generation)
	go x.reportTimeout(silent, inside)
	switch {
	case x.clientLeft(false):
		x.status, x.abort = statusClientGone, true
	case x.begun:
		x.abort = true
	default:
		x.refuse(http.StatusGatewayTimeout)
	}
}

// timeOut notes that the request is to end now, and how long it has been silent
// and inside Python.
func (f *flights) timeOut(x *exchange) (silent, inside time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	x.flight.kept, x.flight.deadAt = true, now
	return now.Sub(x.flight.silentSince), now.Sub(x.flight.started)
}

// leaveRequest takes the request from the exchange, which is about to end.
func (x *exchange) leaveRequest() {
	req := x.req
	req.StopBody()
	x.req = nil
	go x.outlive(req)
}

// outlive waits until Python is done with a request that timed out.
func (x *exchange) outlive(req *embed.Request) {
	for {
		if _, state := req.Wait(); state != embed.Running {
			break
		}
	}
	x.h.hooks.Board.End(req.Index())
	x.h.flights.remove(x)
	result := req.Result()
	attrs := []any{"seconds", seconds(time.Since(x.start))}
	if result.Raised && !strings.Contains(lastLine(result.Error), timeoutException) {
		attrs = append(attrs, "traceback", result.Error)
	}
	x.logRequest(slog.LevelInfo, "a request that had timed out has ended", "request.ended", attrs...)
	if result.CloseError != "" {
		x.logRequest(slog.LevelError, "close() of the application's iterable raised", "application.close_raised",
			"traceback", result.CloseError)
	}
	req.Release()
}

// timeoutException is what Interrupt raises.
const timeoutException = "gowsgi.RequestTimeout"

func lastLine(text string) string {
	text = strings.TrimRight(text, "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// reportTimeout logs where the application is, then interrupts it there.
func (x *exchange) reportTimeout(silent, inside time.Duration) {
	req, generation := x.flight.req, x.flight.generation
	stacks := x.h.stacks(stackPatience) // where it was: before it is interrupted
	x.logRequest(slog.LevelError, "the application was silent for longer than timeout", "request.timeout",
		"timeout", x.h.settings.Timeout.String(), "seconds", seconds(silent), "inside", seconds(inside), "stack", stacks.all(x))
	req.Interrupt(generation)
}

// reportSlow logs where a slow request is. held is how many others were not
// reported.
func (h *handler) reportSlow(x *exchange, inside time.Duration, held int) {
	attrs := []any{"seconds", seconds(inside)}
	if stack := h.stacks(stackPatience).of(x); stack != "" {
		attrs = append(attrs, "stack", stack)
	}
	x.logRequest(slog.LevelWarn, "a request takes longer than slow_request_threshold", "request.slow",
		append(attrs, logging.Suppressed(held)...)...)
}

// reportStuck logs that a request has not ended for all that was tried.
func (h *handler) reportStuck(x *exchange) {
	x.logRequest(slog.LevelError, "a request that timed out does not end: the worker is to be replaced", "request.stuck",
		"seconds", seconds(time.Since(x.start)))
	h.flights.replace(h, fmt.Sprintf("a request has been stuck for %.0f s: %s", time.Since(x.start).Seconds(), x.name()), false)
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
