package http1

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"golang.org/x/sys/unix"
)

// Door is how what comes by a listener is served. The zero value: in plain text.
type Door struct {
	// TLS is what the next connection speaks TLS with; nil: none does.
	TLS func() *tls.Config
	// Handler answers instead of Config's; nil: that one does.
	Handler http.Handler
}

func (d *Door) isPlain() bool { return d.TLS == nil && d.Handler == nil }

// Handshake is how the beginning of a connection with TLS has gone.
type Handshake struct {
	Remote  Address
	Resumed bool
	Err     error // nil: it speaks TLS
}

// recordOfHandshake is the first byte of a client that speaks TLS (RFC 8446, 5.1).
const recordOfHandshake = 22

// proofOnly is a protocol that has nothing but the handshake (RFC 8737, 3).
const proofOnly = "acme-tls/1"

// greet is the first step of a connection that is to speak TLS. Silence is no
// handshake: until the first byte the connection is idle as any other.
func (c *conn) greet() step {
	config := &c.server.config
	if c.await(config.HeaderTimeout) != nil {
		return stepClose
	}
	if c.in[0] != recordOfHandshake && isToken(c.in[0]) {
		c.first = time.Now()
		return c.refuseWith(http.StatusBadRequest, "plain HTTP where TLS is spoken",
			"400 Bad Request: this port speaks HTTPS; write https:// in front of the address\n")
	}
	ahead := append([]byte(nil), c.in...)
	c.forget()
	c.secure(c.door.TLS(), ahead)
	c.stirs = c.stir
	until := time.Time{}
	if config.HeaderTimeout > 0 {
		until = time.Now().Add(config.HeaderTimeout)
	}
	_ = c.socket.in.until(until)
	_ = c.tls.untilBelow(until) // who takes nothing of what we say is as late
	err := c.socket.in.read(c.tls.Handshake)
	_ = c.tls.untilBelow(time.Time{})
	state := c.tls.ConnectionState()
	if config.Handshaken != nil {
		config.Handshaken(&Handshake{Remote: c.remote, Resumed: state.DidResume, Err: err})
	}
	if err != nil {
		c.tls = nil // the alert is out: what follows is the end below
		return stepLinger
	}
	c.mu.Lock()
	c.state = &state
	c.mu.Unlock()
	if state.NegotiatedProtocol == proofOnly {
		return stepClose
	}
	if state.NegotiatedProtocol == "h2" && config.HTTP2 != nil {
		_ = c.socket.in.until(time.Time{})
		_ = c.SetReadDeadline(time.Time{})
		config.HTTP2(c.tls.handOver())
		return stepClose
	}
	return stepWait
}

// isToken tells whether a byte may begin a method (RFC 9110, 9.1); of those that do,
// all are letters.
func isToken(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// errParked: a lane has the connection.
var errParked = errors.New("http1: parked")

// awaitRecord is await with TLS. What the kernel has is records, and what is in them
// nobody knows before they are read; and TLS may have a request that the kernel has
// not. So it is read first, without waiting, and when that is in vain the poller is
// asked; or a lane takes the connection. From when the kernel has something the connection is not idle, and is not
// before a record is whole: nobody closes it whose request is being read.
func (c *conn) awaitRecord() error {
	begun := false
	for {
		memory := takeRoom()
		n, err := c.tls.readNow(memory)
		if n > 0 {
			c.memory, c.in = memory, memory[:n]
			return nil
		}
		giveRoom(memory)
		if !errors.Is(err, unix.EAGAIN) {
			return err
		}
		inside := c.tls.isInside()
		if !inside && c.park() {
			return errParked
		}
		if inside && !begun { // it is to come as a head is
			begun = true
			c.deadline(c.server.config.HeaderTimeout)
		}
		c.mu.Lock()
		c.idle, c.since, c.failed = !inside, time.Now(), nil
		c.mu.Unlock()
		if err := c.socket.in.read(c.waitBelow); err != nil {
			return err
		}
		if c.failed != nil {
			return c.failed
		}
	}
}

func (c *conn) waitBelow() error { return c.raw.Read(c.stirs) }

// stir is called by the runtime's poller when the socket is readable, or may be. False:
// it waits.
func (c *conn) stir(fd uintptr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		c.failed = net.ErrClosed
		return true
	}
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(polled, 0); err == nil && n == 0 {
		return false
	}
	c.idle = false
	return true
}
