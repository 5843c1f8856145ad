package server

import (
	"io"
	"iter"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"time"
)

// answer is the http.ResponseWriter of a plain request. It writes what net/http
// would (RFC 9112), with fewer system calls: head and body go out together.
type answer struct {
	conn   *connection
	isHead bool
	header http.Header
	names  []string // of header, to sort them
	buf    []byte   // what is still to be sent

	begun    bool
	noBody   bool
	last     bool  // the connection ends with it
	chunked  bool  // RFC 9112, 7.1
	declared int64 // Content-Length
	written  int64
	err      error // of the connection: nothing more is sent
}

// Blocks are collected up to this much before they are sent.
const collected = 8 << 10

func (a *answer) reset(c *connection, method string) {
	clear(a.header)
	*a = answer{conn: c, isHead: method == http.MethodHead, header: a.header, names: a.names, buf: a.buf[:0]}
}

func (a *answer) Header() http.Header { return a.header }

// WriteHeader makes the head. Fields are sorted by name, as net/http's are.
func (a *answer) WriteHeader(status int) {
	if a.begun {
		return
	}
	b := a.appendHead(a.buf, status)
	if status < 200 { // an interim response: RFC 9110, 15.2
		a.buf = append(b, "\r\n"...)
		_ = a.FlushError() // which is kept
		return
	}
	a.begun = true
	a.noBody = a.isHead || !bodyAllowed(status)
	if a.header["Date"] == nil {
		b = append(a.conn.handler.dates.append(append(b, "Date: "...), time.Now().UTC()), "\r\n"...)
	}
	a.last = first(a.header, "Connection") == "close"
	length := a.header["Content-Length"]
	switch {
	case a.noBody:
	case length != nil:
		a.declared, _ = strconv.ParseInt(length[0], 10, 64)
	default:
		a.chunked = true
		b = appendLine(b, "Transfer-Encoding", "chunked")
	}
	a.buf = append(b, "\r\n"...)
}

// appendHead appends the status line and the fields that are set.
func (a *answer) appendHead(b []byte, status int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = append(strconv.AppendInt(b, int64(status), 10), ' ')
	if text := http.StatusText(status); text != "" {
		b = append(b, text...)
	} else {
		b = strconv.AppendInt(append(b, "status code "...), int64(status), 10)
	}
	b = append(b, "\r\n"...)
	a.names = a.names[:0]
	for name := range a.header {
		a.names = append(a.names, name)
	}
	slices.Sort(a.names)
	for _, name := range a.names {
		for _, value := range a.header[name] {
			b = appendLine(b, name, textproto.TrimString(value))
		}
	}
	return b
}

func appendLine(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), "\r\n"...)
}

// Write sends p, or keeps it for later if it is small.
func (a *answer) Write(p []byte) (int, error) {
	n, err := a.writeBlocks(len(p), slices.Values([][]byte{p}))
	return int(n), err
}

// writeBlocks is Write for size bytes in several blocks: one system call, one
// chunk.
func (a *answer) writeBlocks(size int, blocks iter.Seq[[]byte]) (int64, error) {
	switch {
	case a.err != nil:
		return 0, a.err
	case a.noBody || size == 0:
		return int64(size), nil
	case !a.chunked && a.written+int64(size) > a.declared:
		return 0, http.ErrContentLength
	}
	end := ""
	if a.chunked {
		a.buf = append(strconv.AppendInt(a.buf, int64(size), 16), "\r\n"...)
		end = "\r\n"
	}
	if len(a.buf)+size <= collected {
		for block := range blocks {
			a.buf = append(a.buf, block...)
		}
		a.buf = append(a.buf, end...)
		a.written += int64(size)
		return int64(size), nil
	}
	pieces := net.Buffers{a.buf}
	for block := range blocks {
		pieces = append(pieces, block)
	}
	pieces = append(pieces, []byte(end))
	before := int64(len(a.buf))
	a.buf = a.buf[:0]
	n, err := a.conn.writeAll(&pieces)
	a.err = err
	n = min(max(0, n-before), int64(size)) // of the blocks
	a.written += n
	return n, err
}

// FlushError sends what there is.
func (a *answer) FlushError() error {
	if a.err == nil && len(a.buf) > 0 {
		_, a.err = a.conn.Write(a.buf)
		a.buf = a.buf[:0]
	}
	return a.err
}

// ReadFrom sends a file, by sendfile(2) if its length was declared.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	file, limited := r.(*io.LimitedReader)
	if !limited || a.chunked || a.noBody || a.written+file.N > a.declared {
		return io.Copy(struct{ io.Writer }{a}, r)
	}
	if err := a.FlushError(); err != nil {
		return 0, err
	}
	n, err := a.conn.ReadFrom(file)
	a.written += n
	a.err = err
	return n, err
}

// SetReadDeadline is the connection's.
func (a *answer) SetReadDeadline(t time.Time) error { return a.conn.SetReadDeadline(t) }

// end sends what is left of a response that is complete.
func (a *answer) end() error {
	switch {
	case a.chunked:
		a.buf = append(a.buf, "0\r\n\r\n"...)
	case !a.noBody && a.written < a.declared:
		a.last = true
	}
	return a.FlushError()
}

// goesOn tells whether another request may follow on the connection.
func (a *answer) goesOn() bool { return !a.last && a.err == nil }
