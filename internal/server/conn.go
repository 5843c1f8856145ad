package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// connection is a client's connection as net/http sees it, with an eye on what
// net/http decides without telling: it takes a request that has both
// Transfer-Encoding and Content-Length for chunked and forgets the latter
// (RFC 9112, 6.1 and 6.3: that is how requests are smuggled past a proxy), and
// it reads a request line of any length up to the sum of all limits.
type connection struct {
	net.Conn
	patience  // its lock guards what follows, too
	out       taking
	limitLine int

	wire    wire
	spoiled bool // the rest of a body stands before whatever comes next
	resets  bool // closing is to be an error for the client

	requests int // served or being served

	handler *handler // nil: no request is plain
	server  address  // our end: SERVER_NAME, SERVER_PORT
	client  address  // the other end: REMOTE_ADDR, REMOTE_PORT
	remote  string   // the same as net/http has it
}

// address is one end of a connection; empty if it is a unix socket.
type address struct{ host, port string }

var errLineTooLong = errors.New("request line too long")

// A line this much over the limit is not waited for: the handler answers those
// that net/http has read anyway.
const lineSlack = 4096

// Read reads, for net/http, a request's head or body, or one byte ahead while
// a handler runs. Plain requests are served meanwhile (plain.go).
func (c *connection) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spoiled {
		return 0, net.ErrClosed
	}
	n, err := c.readOn(p)
	c.wire.add(p[:n])
	if c.limitLine > 0 && c.wire.endless(c.limitLine+lineSlack) {
		_, _ = io.WriteString(c.Conn, "HTTP/1.1 414 URI Too Long\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\nConnection: close\r\n\r\n414 URI Too Long\n")
		_ = c.CloseWrite()
		return 0, errLineTooLong
	}
	return n, err
}

func (c *connection) readOn(p []byte) (int, error) {
	if c.handler != nil && c.atHead() {
		return c.readHead(p)
	}
	return c.read(p)
}

// Close closes the connection for the client, too, if a process that the
// application forked holds a copy of it.
func (c *connection) Close() error {
	c.mu.Lock()
	resets := c.resets
	c.mu.Unlock()
	if !resets {
		_ = c.CloseWrite()
	}
	return c.Conn.Close()
}

// spoil makes this request the connection's last: its body was given up in the
// middle, and what follows must not be taken for a request.
func (c *connection) spoil() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoiled = true
}

func (c *connection) isSpoiled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spoiled
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
	c.mu.Lock()
	c.resets = true
	c.mu.Unlock()
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// begin is called with each request, first thing. False: it must not be served
// (RFC 9112, 6.1; or see spoil).
func (c *connection) begin(r *http.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving = true
	c.requests++
	c.wire.begin(r)
	if len(r.TransferEncoding) == 0 && r.ProtoAtLeast(1, 1) {
		return true
	}
	return !c.wire.ambiguous(r)
}

// track notes where a request's head ends, and where the request does.
func (c *connection) track(state http.ConnState) {
	switch state {
	case http.StateActive: // a head was read
		c.mu.Lock()
		c.serving = true
		c.mu.Unlock()
	case http.StateIdle: // a request has ended
		c.mu.Lock()
		c.serving, c.listening, c.declined = false, false, false
		c.wire.next()
		spoiled := c.spoiled
		c.mu.Unlock()
		if spoiled {
			_ = c.Close()
		}
	}
}

type connectionKey struct{}

// withConnection is called once for each connection, before it is read from.
func (h *handler) withConnection(ctx context.Context, c net.Conn) context.Context {
	if conn, ok := c.(*connection); ok {
		conn.out.pace = paceOf(&h.settings)
		conn.remote = conn.RemoteAddr().String()
		conn.client = splitClient(conn.remote)
		if h.plain {
			conn.handler = h
		}
	}
	return context.WithValue(ctx, connectionKey{}, c)
}

func connectionOf(r *http.Request) *connection {
	return r.Context().Value(connectionKey{}).(*connection)
}
