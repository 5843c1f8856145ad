package exchange

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/tally"
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
		case state == embed.Cancelled && x.flight.WaitedTooLong():
			x.h.watcher.LogWaited(&x.flight)
			x.h.countRefusal(tally.QueueTimeout)
			x.h.countTimeout(tally.InQueue)
			x.refuse(http.StatusServiceUnavailable)
			return
		case state == embed.Cancelled: // the client has left
			x.status, x.abort = statusClientGone, true
			return
		case state == embed.Done:
			x.ran = true
			x.finish(batch)
			return
		case batch.IsEmpty() && x.flight.IsSilent():
			x.timeOut()
			return
		case batch.IsEmpty(): // a bell too many
			continue
		}
		x.flight.Step()
		sent := x.send(batch, true)
		x.flight.Step()
		switch {
		case x.flight.TimedOut(): // while a file went out
			x.answerSilence()
			return
		case !sent:
			x.req.Abort(x.req.Generation())
		}
	}
}

// timeOut answers for an application that has been silent for too long, without
// it.
func (x *exchange) timeOut() {
	x.h.watcher.TimeOut(&x.flight)
	x.answerSilence()
}

func (x *exchange) answerSilence() {
	x.h.countTimeout(tally.InApplication)
	switch {
	case x.ClientLeft(false):
		x.status, x.abort = statusClientGone, true
	case x.begun:
		x.abort = true
	default:
		x.refuse(http.StatusGatewayTimeout)
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
		x.LogRequest(slog.LevelError, "close() of the application's iterable raised", "application.close_raised",
			"traceback", result.CloseError)
	}
	if result.Raised {
		x.LogRequest(slog.LevelError, "the application raised", "application.raised", "traceback", result.Error)
		switch {
		case !x.begun && !result.HeadersSent && x.upload.isLate():
			x.refuse(http.StatusRequestTimeout)
		case !x.begun && !result.HeadersSent, x.namesFile():
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
	if x.namesFile() {
		x.sendNamed()
		return
	}
	if !x.begun {
		x.leaveUntouched()
		x.begin(x.lengthOf(batch), batch)
	}
	if !x.send(batch, false) || !x.sendFile() {
		return
	}
	x.checkLength(result)
}

// lengthOf is the Content-Length of a response that has not begun: as declared,
// or what there is of it if the application has already finished.
func (x *exchange) lengthOf(batch embed.Batch) int64 {
	declared := x.req.ContentLength()
	if declared < 0 && x.r.Method != http.MethodHead && !x.req.HasFile() {
		return int64(batch.Size())
	}
	return declared
}

// begin makes the response's head. length is its Content-Length, -1 if it has
// none; batch is what there is of its body.
func (x *exchange) begin(length int64, batch embed.Batch) {
	x.begun, x.status = true, x.req.Status()
	x.fields = x.endToEnd(x.req.Fields(x.fields[:0]))
	x.length = x.chooseCoding(length, batch)
	x.fields = x.h.edits.Apply(x.fields)
	x.addOwnFields()
	x.w.Begin(x.status, x.req.Reason(), x.fields, x.length)
}

// bodyAllowed: RFC 9110, 6.4.1, and 15.3.6.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusResetContent && status != http.StatusNotModified
}

// send writes a batch, the response's head before it if that is still to come.
// more: the application goes on, so it is not to wait in a buffer. False: the
// client has left.
func (x *exchange) send(batch embed.Batch, more bool) bool {
	if x.abort {
		return false
	}
	if x.namesFile() {
		return true // what there is of a body is not the response's
	}
	if !x.begun {
		x.begin(x.req.ContentLength(), batch)
	}
	if !bodyAllowed(x.status) {
		return true
	}
	x.blocks = batch.Blocks(x.blocks[:0])
	var err error
	switch {
	case x.whole:
		x.whole = false
		err = x.write([][]byte{x.made}, more)
	case x.mayBeAhead(batch.Size(), more):
		err = x.sendAhead(x.blocks, more)
	default:
		err = x.pass(x.blocks, more)
	}
	if err != nil {
		x.lose(err)
		return false
	}
	return true
}

// write writes blocks to the client; flush: they are not to wait in a buffer.
func (x *exchange) write(blocks [][]byte, flush bool) error {
	n, err := x.w.WriteBlocks(blocks...)
	x.written += n
	if err == nil && flush {
		err = x.w.FlushError()
	}
	return err
}

// lose gives up a client that does not take the response, or has left.
func (x *exchange) lose(err error) {
	x.abort = true
	if errors.Is(err, os.ErrDeadlineExceeded) {
		x.h.countTimeout(tally.InResponse)
		x.LogRequest(slog.LevelInfo, "the client was too slow to take the response", "client.slow", "sent", x.written)
	}
}

// sendFile sends the file of wsgi.file_wrapper, by sendfile(2) where the system
// has it.
func (x *exchange) sendFile() bool {
	file, size, err := x.req.File()
	if err != nil {
		x.LogRequest(slog.LevelError, "the file cannot be sent", "response.failed", "error", err.Error())
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
	// The head goes out by itself: the file's first page would otherwise begin in
	// the middle of a packet, and net/http would copy the beginning.
	if err := x.w.FlushError(); err != nil {
		x.lose(err)
		return false
	}
	n := int64(0)
	if x.encoded {
		n, err = x.passFile(file, size)
	} else {
		n, err = io.CopyN(x.w, file, size)
		x.written += n
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			x.LogRequest(slog.LevelError, "the file became shorter while it was sent", "response.short",
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
		x.LogRequest(slog.LevelError, "the application produced more than its Content-Length: the rest was cut",
			"response.long", "content_length", declared)
	case x.req.Sent() < declared && x.r.Method != http.MethodHead && x.ClientLeft(false):
		x.status, x.abort = statusClientGone, true // so the application was stopped
	case x.req.Sent() < declared && x.r.Method != http.MethodHead:
		x.LogRequest(slog.LevelError, "the application produced less than its Content-Length: the connection was closed",
			"response.short", "content_length", declared, "missing", declared-x.req.Sent())
		x.abort = true // what there is goes out
	}
}
