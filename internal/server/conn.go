package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

// connection is a client's connection as net/http sees it, with an eye on what
// net/http decides without telling: it takes a request that has both
// Transfer-Encoding and Content-Length for chunked and forgets the latter
// (RFC 9112, 6.1 and 6.3: that is how requests are smuggled past a proxy), and
// it reads a request line of any length up to the sum of all limits.
type connection struct {
	net.Conn
	patience  // its lock guards what follows, too
	limitLine int

	// What was read of the request head so far. last is net/http's own buffer,
	// whole until the next Read; earlier has copies of what was in it before.
	earlier []byte
	last    []byte

	server address // our end: SERVER_NAME, SERVER_PORT
}

// address is one end of a connection; empty if it is a unix socket.
type address struct{ host, port string }

type listener struct {
	net.Listener
	limitLine int
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &connection{Conn: c, limitLine: l.limitLine}
	conn.wake.L = &conn.mu
	conn.server.host, conn.server.port, _ = net.SplitHostPort(c.LocalAddr().String())
	return conn, nil
}

var errLineTooLong = errors.New("request line too long")

// A line this much over the limit is not waited for: the handler answers those
// that net/http has read anyway.
const lineSlack = 4096

// Read reads, for net/http, a request's head or body, or one byte ahead while
// a handler runs.
func (c *connection) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.serving {
		return c.read(p)
	}
	if len(c.last) > 0 {
		c.earlier = append(c.earlier, c.last...)
		c.last = nil
	}
	n, err := c.read(p)
	if c.serving { // meanwhile: it was the byte ahead, after all
		return n, err
	}
	c.last = p[:n]
	if size := len(c.earlier) + n; c.limitLine > 0 && size > c.limitLine+lineSlack &&
		bytes.IndexByte(c.earlier, '\n') < 0 && bytes.IndexByte(c.last, '\n') < 0 {
		_, _ = io.WriteString(c.Conn, "HTTP/1.1 414 URI Too Long\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\nConnection: close\r\n\r\nURI Too Long\n")
		_ = c.CloseWrite()
		return 0, errLineTooLong
	}
	return n, err
}

// ReadFrom keeps sendfile(2) within reach of io.Copy.
func (c *connection) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// Close closes the connection for the client, too, if a process that the
// application forked holds a copy of it.
func (c *connection) Close() error {
	_ = c.CloseWrite()
	return c.Conn.Close()
}

// CloseWrite lets net/http half-close, so that a client that still sends gets
// to read the answer.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// reset makes closing the connection an error for the client (RST) where
// nothing else tells it that a response is not complete.
func (c *connection) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// ambiguous tells whether the head of r, which net/http took for chunked, had
// a Content-Length too.
func (c *connection) ambiguous(r *http.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw := append(c.earlier, c.last...)
	// A pipelined request may stand behind others, or behind a body.
	start := bytes.LastIndex(raw, []byte(" "+r.RequestURI+" "+r.Proto))
	if start < 0 {
		return true // it cannot be told: the strict answer
	}
	for line := range bytes.Lines(raw[start:]) {
		name, _, ok := bytes.Cut(line, []byte(":"))
		if ok && strings.EqualFold(string(bytes.TrimSpace(name)), "Content-Length") {
			return true
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return false
		}
	}
	return false
}

// headDone: what is read from now on is body, or one byte ahead.
func (c *connection) headDone() {
	c.mu.Lock()
	c.serving = true
	c.mu.Unlock()
}

// trackState begins to look again where a request ends. What net/http has in
// its buffer by then may be the next one's head.
func trackState(c net.Conn, state http.ConnState) {
	conn, ok := c.(*connection)
	if !ok {
		return
	}
	switch state {
	case http.StateActive: // a head was read
		conn.headDone()
	case http.StateIdle: // a request has ended
		conn.mu.Lock()
		conn.serving, conn.listening = false, false
		conn.earlier = nil
		conn.mu.Unlock()
	}
}

type connectionKey struct{}

func withConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

func connectionOf(r *http.Request) *connection {
	return r.Context().Value(connectionKey{}).(*connection)
}
