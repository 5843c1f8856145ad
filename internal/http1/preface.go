package http1

import (
	"bytes"
	"net"
	"strings"
	"time"
)

// prefaceHTTP2 is how a client begins a connection that knows that the server speaks
// HTTP/2 (RFC 9113, 3.3 and 3.4).
const prefaceHTTP2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// stepHTTP2 gives the connection to who speaks HTTP/2.
const stepHTTP2 step = -1

// preface tells whether what has come is HTTP/2's preface as far as it goes, and
// whether it is all there. False: it may not be here, or is not.
func (c *conn) preface() (begun, whole bool) {
	s := c.server
	if !s.config.PriorKnowledge || s.config.HTTP2 == nil || !c.door.isPlain() || c.requests.Load() > 0 {
		return false, false
	}
	if trusted, _ := s.trusts(c.remote, false); !trusted {
		return false, false
	}
	n := min(len(c.in), len(prefaceHTTP2))
	if string(c.in[:n]) != prefaceHTTP2[:n] {
		return false, false
	}
	return true, n == len(prefaceHTTP2)
}

// whyNotHTTP2 is why, or the reason for which a client with HTTP/2's preface is
// refused although others are not.
func (c *conn) whyNotHTTP2(why string) string {
	if line, _, _ := strings.Cut(prefaceHTTP2, "\r"); c.server.config.PriorKnowledge && string(Line(c.in)) == line {
		return "HTTP/2 without TLS is for the peers in forwarded_allow_ips"
	}
	return why
}

// opened is a connection of which something has been read.
type opened struct {
	net.Conn
	conn *conn
	in   []byte
}

// giveToHTTP2 has the connection speak HTTP/2, to its end.
func (c *conn) giveToHTTP2() {
	in := bytes.Clone(c.in)
	c.forget()
	_ = c.SetReadDeadline(time.Time{}) // patience's timer
	c.server.config.HTTP2(&opened{Conn: c.Conn, conn: c, in: in})
}

func (o *opened) Read(p []byte) (int, error) {
	if len(o.in) == 0 {
		return o.Conn.Read(p)
	}
	n := copy(p, o.in)
	o.in = o.in[n:]
	return n, nil
}

// CloseWrite ends the sending direction.
func (o *opened) CloseWrite() error {
	o.conn.finish()
	return nil
}

// HasInput tells whether the kernel holds bytes that nobody has read.
func (o *opened) HasInput() bool { return o.conn.hasInput() }
