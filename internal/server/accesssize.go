package server

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// countedBody is a request body that counts what is read of it, by the
// request's goroutine or the one that feeds wsgi.input.
type countedBody struct {
	io.ReadCloser
	read atomic.Int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// counted has what is read of source counted, if anybody wants to know.
func (x *exchange) counted(source io.ReadCloser) io.ReadCloser {
	if x.h.access == nil {
		return source
	}
	x.body = &countedBody{ReadCloser: source}
	return x.body
}

// bytesIn is how much of the request body was read from the client.
func (x *exchange) bytesIn() int64 {
	if x.body == nil {
		return 0
	}
	return x.body.read.Load()
}

// headSize is the size of the request's head, 0 if it is not known.
func (x *exchange) headSize() int {
	if x.plain != nil {
		return x.plain.size
	}
	x.conn.mu.Lock()
	defer x.conn.mu.Unlock()
	return len(x.conn.wire.head)
}

// requestsBefore is how many requests were read from the connection before the
// current one.
func (c *connection) requestsBefore() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, c.requests-1)
}

// closes tells whether the connection ends with this response, as far as can be
// seen before net/http has ended it.
func (x *exchange) closes() bool {
	for _, value := range x.w.Header()["Connection"] {
		if strings.EqualFold(value, "close") {
			return true
		}
	}
	return x.r.Close || x.h.settings.KeepAlive == 0 || x.conn.isSpoiled()
}

// headOut reckons the size of the response's head: net/http writes it, and
// often only when the handler has returned.
func (x *exchange) headOut() int64 {
	h := x.w.Header()
	size := len("HTTP/1.1 200 \r\n") + len(http.StatusText(x.status)) + len("\r\n")
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(": ") + len(value) + len("\r\n")
		}
	}
	if h["Date"] == nil {
		size += len("Date: ") + len(http.TimeFormat) + len("\r\n")
	}
	if h["Connection"] == nil && x.closes() {
		size += len("Connection: close\r\n")
	}
	if h["Content-Length"] == nil && bodyAllowed(x.status) && x.r.ProtoAtLeast(1, 1) {
		size += len("Transfer-Encoding: chunked\r\n")
	}
	return int64(size)
}
