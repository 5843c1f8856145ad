package e2e

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// Conn is a client that sends exactly what a test writes and reads responses
// strictly: anything RFC 9112 does not allow fails the test.
type Conn struct {
	t testing.TB
	net.Conn
	r      *bufio.Reader
	server *Server
}

// Dial opens a connection to the server, to one of HTTP/2 by way of a translator. It
// is closed when the test ends.
func Dial(t testing.TB, s *Server) *Conn {
	t.Helper()
	if !s.http2 {
		return DialPlain(t, s)
	}
	conn := translated(t, s)
	t.Cleanup(func() { conn.Close() })
	return &Conn{t: t, Conn: conn, r: bufio.NewReader(conn), server: s}
}

// Versions are those that a client of Dial may speak with it: a translator's are the
// same to the server.
func (s *Server) Versions() []string {
	if s.http2 {
		return []string{"HTTP/1.1"}
	}
	return []string{"HTTP/1.1", "HTTP/1.0"}
}

// DialPlain is Dial without a translator.
func DialPlain(t testing.TB, s *Server) *Conn {
	t.Helper()
	conn, err := s.dial()
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	if s.secure != nil {
		secure := tls.Client(conn, s.secure)
		_ = conn.SetDeadline(time.Now().Add(deadline))
		if err := secure.Handshake(); err != nil {
			t.Fatalf("handshake: %v", err)
		}
		conn = secure
	}
	return &Conn{t: t, Conn: conn, r: bufio.NewReader(conn), server: s}
}

// Send sends text as it is. A test that is sent to a server which hangs up
// early uses Write, and its error.
func (c *Conn) Send(text string) {
	c.t.Helper()
	c.patience()
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// Response reads one response to a request of that method. One with a 1xx
// status is a response of its own: read again for the one that follows.
func (c *Conn) Response(method string) RawResponse {
	c.t.Helper()
	c.patience()
	response, err := readResponse(c.r, method)
	if err != nil {
		c.t.Fatalf("response: %v; so far: %+v", err, response)
	}
	return response
}

// BrokenResponse reads a response that the server has to break off, and
// returns what had come until then. A complete one fails the test.
func (c *Conn) BrokenResponse(method string) RawResponse {
	c.t.Helper()
	c.patience()
	response, err := readResponse(c.r, method)
	if err == nil && !response.UntilClose {
		c.t.Fatalf("the response looks complete: %+v", response)
	}
	var impatient net.Error
	if errors.As(err, &impatient) && impatient.Timeout() {
		c.t.Fatalf("the response was not broken off within %v; so far: %+v", deadline, response)
	}
	return response
}

// Closed waits for the server to close the connection without another byte.
func (c *Conn) Closed() {
	c.t.Helper()
	c.patience()
	rest, err := io.ReadAll(c.r)
	var impatient net.Error
	switch {
	case len(rest) > 0:
		c.t.Errorf("%d more bytes instead of the end: %.200q", len(rest), rest)
	case errors.As(err, &impatient) && impatient.Timeout():
		c.t.Errorf("the server did not close the connection within %v", deadline)
	}
}

// StaysOpen proves that the connection is still good: it answers one more
// request. The path must answer a GET with 200.
func (c *Conn) StaysOpen(path string) {
	c.t.Helper()
	c.Send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n")
	if response := c.Response("GET"); response.Status != 200 {
		c.t.Errorf("next request on the connection: %+v", response)
	}
}

// HalfClose ends the sending direction.
func (c *Conn) HalfClose() {
	c.t.Helper()
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		c.t.Fatalf("%T has no CloseWrite", c.Conn)
	}
	err := half.CloseWrite()
	if below, ok := c.Conn.(*tls.Conn); ok && err == nil {
		err = below.NetConn().(interface{ CloseWrite() error }).CloseWrite()
	}
	if err != nil {
		c.t.Fatalf("close for writing: %v", err)
	}
}

// Reset closes the connection at once, with RST instead of FIN where there is one.
func (c *Conn) Reset() {
	below := c.Conn
	if secure, ok := below.(*tls.Conn); ok {
		below = secure.NetConn()
	}
	if tcp, ok := below.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails on a closed connection only
	}
	below.Close()
}

func (c *Conn) patience() { _ = c.SetDeadline(time.Now().Add(deadline)) }
