package server

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"

	"github.com/gowsgi/gowsgi/embed"
)

// respond passes on what the application produces until it is done, or was
// silent for too long.
func (x *exchange) respond() {
	for {
		batch, state := x.req.Wait()
		if state != embed.Running {
			x.h.hooks.Board.End(x.req.Index())
		}
		x.sendHints()
		switch {
		case state == embed.Cancelled && x.flight.waitedTooLong.Load():
			x.refuseWaiting()
			return
		case state == embed.Cancelled: // the client has left
			x.status, x.abort = statusClientGone, true
			return
		case state == embed.Done:
			x.ran = true
			x.finish(batch)
			return
		case batch.IsEmpty() && x.flight.isSilent():
			x.timeOut()
			return
		case batch.IsEmpty(): // a bell too many
			continue
		}
		x.flight.steps.Add(1)
		if !x.send(batch, true) {
			x.req.Abort(x.req.Generation())
		}
		x.flight.steps.Add(1)
	}
}

// statusClientGone stands in the access log for a request whose client left
// before it was started; nginx's number for it.
const statusClientGone = 499

// finish sends the last batch and settles how the response ends.
func (x *exchange) finish(batch embed.Batch) {
	result := x.req.Result()
	if x.upload.isLate() {
		x.logLate()
	}
	if result.CloseError != "" {
		x.logRequest(slog.LevelError, "close() of the application's iterable raised", "application.close_raised",
			"traceback", result.CloseError)
	}
	if result.Raised {
		x.logRequest(slog.LevelError, "the application raised", "application.raised", "traceback", result.Error)
		switch {
		case !x.begun && !result.HeadersSent && x.upload.isLate():
			x.refuse(http.StatusRequestTimeout)
		case !x.begun && !result.HeadersSent:
			x.refuse(http.StatusInternalServerError)
		case !x.begun && !batch.IsEmpty():
			// The block that was out before the exception is the client's.
			x.send(batch, true)
			x.abort = true
		default:
			x.abort = true
		}
		return
	}
	if x.abort {
		return
	}
	if !x.begun {
		x.begin(x.length(batch))
	}
	if !x.send(batch, false) || !x.sendFile() {
		return
	}
	x.checkLength(result)
}

// length is the Content-Length of a response that has not begun: as declared,
// or what there is of it if the application has already finished.
func (x *exchange) length(batch embed.Batch) int64 {
	declared := x.req.ContentLength()
	if declared < 0 && x.r.Method != http.MethodHead && !x.req.HasFile() {
		return int64(batch.Size())
	}
	return declared
}

// begin writes the response's head. length is its Content-Length, -1 if it has
// none.
func (x *exchange) begin(length int64) {
	h := x.w.Header()
	h["Content-Type"] = nil // net/http would guess one
	for name, value := range x.req.Header() {
		if key := x.nameOf(name, value); key != "" {
			h[key] = append(h[key], value)
		}
	}
	x.status = x.req.Status()
	if length >= 0 && bodyAllowed(x.status) {
		h["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
	x.begun = true
	x.sayLast(h)
	x.w.WriteHeader(x.status)
}

// sayLast tells the client that the connection ends here: in a drain, or if
// nobody knows where the next request would begin.
func (x *exchange) sayLast(h http.Header) {
	if x.h.draining.Load() || x.isOpenEnded() {
		h["Connection"] = []string{"close"}
	}
}

// bodyAllowed: RFC 9110, 6.4.1.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// send writes a batch, the response's head before it if that is still to come.
// more: the application goes on, so it is not to wait in a buffer. False: the
// client has left.
func (x *exchange) send(batch embed.Batch, more bool) bool {
	if x.abort {
		return false
	}
	if !x.begun {
		x.begin(x.req.ContentLength())
	}
	if !bodyAllowed(x.status) {
		return true
	}
	n, err := x.write(batch)
	x.written += n
	if err != nil {
		x.lose(err)
		return false
	}
	if more {
		if err := http.NewResponseController(x.w).Flush(); err != nil {
			x.lose(err)
			return false
		}
	}
	return true
}

func (x *exchange) write(batch embed.Batch) (written int64, err error) {
	if x.plain != nil {
		return x.plain.answer.writeBlocks(batch.Size(), batch.Blocks())
	}
	for block := range batch.Blocks() {
		n, err := x.w.Write(block)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// lose gives up a client that does not take the response, or has left.
func (x *exchange) lose(err error) {
	x.abort = true
	if errors.Is(err, os.ErrDeadlineExceeded) {
		x.logRequest(slog.LevelInfo, "the client was too slow to take the response", "client.slow", "sent", x.written)
		x.conn.reset() // the kernel need not keep what nobody takes
	}
}

// What net/http reads of a file into its buffer, unless the response's head has
// gone out: two writes anyway, and the rest would not begin at a page.
const buffered = 512

// sendFile sends the file of wsgi.file_wrapper, by sendfile(2) where the system
// has it.
func (x *exchange) sendFile() bool {
	file, size, err := x.req.File()
	if err != nil {
		x.logRequest(slog.LevelError, "the file cannot be sent", "response.failed", "error", err.Error())
		x.abort = true
		return false
	}
	if file == nil {
		return true
	}
	defer file.Close()
	if !bodyAllowed(x.status) {
		return true
	}
	if size > buffered {
		if err := http.NewResponseController(x.w).Flush(); err != nil {
			x.lose(err)
			return false
		}
	}
	n, err := io.CopyN(x.w, file, size)
	x.written += n
	if err != nil {
		if errors.Is(err, io.EOF) {
			x.logRequest(slog.LevelError, "the file became shorter while it was sent", "response.short",
				"missing", size-n)
		}
		x.lose(err)
		return false
	}
	return true
}

// checkLength holds the body against the declared length. PEP 3333, "Handling
// the Content-Length Header": a response that is too short must not look
// complete.
func (x *exchange) checkLength(result embed.Result) {
	declared := x.req.ContentLength()
	if declared < 0 || !bodyAllowed(x.status) {
		return
	}
	switch {
	case result.TooLong:
		x.logRequest(slog.LevelError, "the application produced more than its Content-Length: the rest was cut",
			"response.long", "content_length", declared)
	case x.req.Sent() < declared && x.r.Method != http.MethodHead:
		x.logRequest(slog.LevelError, "the application produced less than its Content-Length: the connection was closed",
			"response.short", "content_length", declared, "missing", declared-x.req.Sent())
		// What there is goes out; net/http then closes the connection.
		_ = http.NewResponseController(x.w).Flush()
		x.abort = true
	}
}
