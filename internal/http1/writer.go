package http1

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Writer is the http.ResponseWriter that a handler gets. It does what
// http.ResponseController asks for, and more: who knows it can say the reason
// phrase, the order and the spelling of the fields (Begin), send many blocks in
// one system call (WriteBlocks), and end a response so that it cannot pass for a
// whole one (Abort). Like any ResponseWriter it is one goroutine's at a time;
// SetReadDeadline and Presence are anybody's.
type Writer struct {
	conn   *conn
	turn   *turn
	header http.Header
	buf    []byte // what is still to be sent

	isHead  bool
	begun   bool // the final head is in buf, or gone
	ended   bool
	aborted bool
	reuse   bool // the connection may go on after it

	status   int
	noBody   bool
	chunked  bool  // RFC 9112, 7.1
	lastOut  bool  // the last chunk has been made
	declared int64 // Content-Length; -1: none
	written  int64 // of the body
	headSize int
	owes     bool  // a lane has made records of it that are not sent
	err      error // of the connection: nothing more is sent
}

// Blocks are collected up to this much before they are sent.
const collected = 8 << 10

func (w *Writer) begin(c *conn, t *turn) {
	*w = Writer{
		conn: c, turn: t, header: w.header, buf: w.buf[:0], isHead: t.request.Method == http.MethodHead, declared: -1,
		reuse: t.head.KeepAlive && c.server.config.KeepAlive > 0,
	}
	c.writeUntil = time.Time{}
}

func (w *Writer) release() {
	clear(w.header)
	*w = Writer{header: w.header, buf: w.buf[:0]}
}

// Header is what WriteHeader sends. Begin does not look at it.
func (w *Writer) Header() http.Header { return w.header }

// WriteHeader begins the response with the fields of Header, in the order of
// their names. With a 1xx it sends an interim response at once; 101 is not to be
// had.
func (w *Writer) WriteHeader(status int) {
	if w.begun || status == http.StatusSwitchingProtocols {
		return
	}
	if status < 200 {
		w.interim(status)
		return
	}
	length := int64(-1)
	if value := w.header.Get("Content-Length"); value != "" {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
			length = n
		}
	}
	w.Begin(status, http.StatusText(status), w.fields(), length)
}

// fields is what Header has.
func (w *Writer) fields() [][2]string {
	fields := make([][2]string, 0, len(w.header))
	for name, values := range w.header {
		for _, value := range values {
			fields = append(fields, [2]string{name, value})
		}
	}
	slices.SortStableFunc(fields, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return fields
}

// Begin begins the response. reason and fields, which are names and values, are
// sent as they are; what says how to read the message is left
// out, since that is up to the connection. length of the body: -1 if it is not
// known. Nothing is sent before there is something of the body, a Flush, or the
// end; nothing of the strings is kept.
func (w *Writer) Begin(status int, reason string, fields [][2]string, length int64) {
	if w.begun {
		return
	}
	w.begun, w.status = true, status
	w.frame(status, length)
	b := appendStatus(w.buf, w.turn.head.Minor, status, reason)
	hasDate := false
	for _, field := range fields {
		name, value := field[0], field[1]
		switch framing(name) {
		case isDate:
			hasDate = true
		case isConnection:
			w.reuse = w.reuse && !asksToClose(value)
			continue
		case isFraming:
			continue
		}
		b = appendField(b, name, value)
	}
	if !hasDate {
		b = append(w.conn.server.date.Append(append(b, "Date: "...), time.Now().UTC()), "\r\n"...)
	}
	switch {
	case w.declared >= 0:
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), w.declared, 10), "\r\n"...)
	case w.chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	w.reuse = w.turn.body.answer() && w.reuse && !w.conn.server.draining.Load()
	switch {
	case !w.reuse:
		b = append(b, "Connection: close\r\n"...)
	case w.turn.head.Minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	w.buf = append(b, "\r\n"...)
	w.headSize += len(w.buf)
}

// frame decides how the client finds the end of the body. RFC 9112, 6.3.
func (w *Writer) frame(status int, length int64) {
	w.declared = length
	switch {
	case status == http.StatusNoContent || status == http.StatusNotModified:
		w.noBody, w.declared = true, -1
	case status == http.StatusResetContent:
		w.noBody, w.declared = true, 0 // RFC 9110, 15.3.6
	case w.isHead:
		w.noBody = true
	case length >= 0:
	case w.turn.head.Minor == 0:
		w.reuse = false // the connection's end is the body's
	default:
		w.chunked = true
	}
}

// interim sends a 1xx. HTTP/1.0 has none (RFC 9110, 15.2).
func (w *Writer) interim(status int) {
	if w.turn.head.Minor == 0 {
		return
	}
	if status == http.StatusContinue {
		w.err = errors.Join(w.err, w.turn.body.sayContinue())
		return
	}
	b := appendStatus(w.buf, 1, status, http.StatusText(status))
	for _, field := range w.fields() {
		if framing(field[0]) == 0 {
			b = appendField(b, field[0], field[1])
		}
	}
	w.buf = append(b, "\r\n"...)
	w.headSize += len(w.buf)
	_ = w.FlushError()
}

// Write sends p, or keeps it for later if it is small.
func (w *Writer) Write(p []byte) (int, error) {
	w.ensure()
	n, err := w.WriteBlocks(p)
	return int(n), err
}

// ensure begins a response that nobody has begun.
func (w *Writer) ensure() {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
}

// WriteBlocks is Write for several blocks: one system call, one chunk.
func (w *Writer) WriteBlocks(blocks ...[]byte) (int64, error) {
	size := 0
	for _, block := range blocks {
		size += len(block)
	}
	switch {
	case w.err != nil:
		return 0, w.err
	case w.ended:
		return 0, io.ErrClosedPipe
	case w.noBody || size == 0:
		return int64(size), nil
	case w.declared >= 0 && w.written+int64(size) > w.declared:
		return 0, http.ErrContentLength
	}
	end := ""
	if w.chunked {
		w.buf = append(strconv.AppendInt(w.buf, int64(size), 16), "\r\n"...)
		end = "\r\n"
	}
	if len(w.buf)+size <= collected {
		for _, block := range blocks {
			w.buf = append(w.buf, block...)
		}
		w.buf = append(w.buf, end...)
		w.written += int64(size)
		return int64(size), nil
	}
	before := int64(len(w.buf))
	n, err := w.conn.send(w.buf, blocks, end)
	w.buf = w.buf[:0]
	w.err = err
	n = min(max(0, n-before), int64(size)) // of the blocks
	w.written += n
	return n, err
}

// Flush sends what there is.
func (w *Writer) Flush() { _ = w.FlushError() }

// FlushError is Flush, and says what came of it.
func (w *Writer) FlushError() error {
	if w.err == nil && (len(w.buf) > 0 || w.owes) {
		_, w.err = w.conn.send(w.buf, nil, "")
		w.buf, w.owes = w.buf[:0], false
	}
	return w.err
}

// ReadFrom sends what r yields; an *os.File in an *io.LimitedReader by
// sendfile(2), if its length was declared.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	w.ensure()
	limited, ok := r.(*io.LimitedReader)
	if ok && w.declared >= 0 && !w.noBody && w.written+limited.N <= w.declared {
		if file, isFile := limited.R.(*os.File); isFile {
			if n, err, sent := w.sendFile(file, limited.N); sent {
				limited.N -= n
				return n, err
			}
		}
	}
	return io.Copy(struct{ io.Writer }{w}, r)
}

func (w *Writer) sendFile(file *os.File, size int64) (n int64, err error, sent bool) {
	// The head goes out by itself: the file's first page would otherwise begin in
	// the middle of a packet.
	if err := w.FlushError(); err != nil {
		return 0, err, true
	}
	n, err, sent = w.conn.sendFile(file, size)
	if !sent {
		return 0, nil, false
	}
	w.written += n
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return n, nil, true // as io.Copy has it: the file is over
	}
	w.err = err
	return n, err, true
}

// SetReadDeadline sets until when the body has to come; in the past, it
// interrupts a Read.
func (w *Writer) SetReadDeadline(t time.Time) error { return w.conn.socket.in.until(t) }

// SetWriteDeadline sets until when the client has to take what is written from
// now on, beside the connection's own limit.
func (w *Writer) SetWriteDeadline(t time.Time) error {
	w.conn.writeUntil = t
	return nil
}

// EnableFullDuplex does nothing: the body may be read at any time.
func (w *Writer) EnableFullDuplex() error { return nil }

// Abort ends the response where it is. The client sees that it is not whole.
func (w *Writer) Abort() { w.aborted = true }

// End sends what is left. It is called when the handler returns, and by one that
// wants to know what came of it.
func (w *Writer) End() error {
	switch {
	case w.ended:
		return w.err
	case w.aborted:
		if w.begun && w.written > 0 {
			_ = w.FlushError() // what there is
		}
		w.ended = true
		return w.err
	}
	w.ensureEmpty()
	if w.chunked && !w.lastOut {
		w.buf = append(w.buf, "0\r\n\r\n"...)
	}
	w.ended = true
	return w.FlushError()
}

// ensureEmpty begins the response of a handler that has not said anything.
func (w *Writer) ensureEmpty() {
	if !w.begun {
		w.header.Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	}
}

// output is where the response stands, once it has ended.
func (w *Writer) output() output {
	switch {
	case w.aborted || w.err != nil || !w.ended || !w.noBody && w.declared >= 0 && w.written < w.declared:
		return outBroken
	default:
		return outDone
	}
}

// canEndShort tells whether the client will see by itself that the response is
// not whole: it lacks its last chunk, or some of its length. Else, and for those
// who do not take it, only a reset says so.
func (w *Writer) canEndShort() bool {
	return w.begun && w.err == nil && !w.noBody && (w.chunked || w.written < w.declared)
}
