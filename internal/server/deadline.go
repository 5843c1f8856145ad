package server

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// patience is what a connection does about waiting for its client. net/http
// sets a read deadline six times for each request on a kept-alive connection,
// and reads one byte ahead while a handler runs to notice that the client has
// left; timers, system calls and wake-ups that together cost a tenth of a small
// request. All of it is put off until it matters:
//
//   - A deadline is only remembered. One that is armed and fires too early is
//     armed anew for what is wanted by then; so an active connection touches its
//     timer once in a header_timeout.
//   - The byte ahead is not read before the request has been with the
//     application for a while (listen). Until then net/http is told that there
//     is none yet, and does not ask again: from then on the reading is ours.
type patience struct {
	mu        sync.Mutex
	want      time.Time // the deadline as it was last set; zero for none
	armed     time.Time // the one that the connection has; zero for none
	inRead    int       // Reads of the connection under way
	serving   bool      // the request's head is read, a handler runs
	listening bool      // the byte ahead is worth reading
	declined  bool      // net/http was told that there is none

	looking chan struct{} // closed when lookAhead has ended; nil: none is under way
	ahead   []byte        // what it read, until somebody takes it
	gone    error         // what it met instead: the client has left
	left    atomic.Bool   // gone is set
}

// longAgo tells a deadline that is to interrupt a read from one that has passed.
var longAgo = time.Unix(1_000_000_000, 0)

func (p *patience) interrupted() bool { return !p.want.IsZero() && p.want.Before(longAgo) }

// SetReadDeadline sets the time after which Read fails. Safe for concurrent
// use with Read.
func (c *connection) SetReadDeadline(t time.Time) error {
	p := &c.patience
	p.mu.Lock()
	defer p.mu.Unlock()
	p.want = t
	if p.inRead == 0 {
		return nil // the next Read sees to it
	}
	p.armed = t
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline is SetReadDeadline; for writing see SetWriteDeadline.
func (c *connection) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// listen has the byte ahead read from now on until the request ends, to notice
// that the client leaves: see hasLeft.
func (c *connection) listen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.serving || c.listening {
		return
	}
	c.listening = true
	if c.declined && c.looking == nil && len(c.ahead) == 0 {
		c.looking = make(chan struct{})
		go c.lookAhead(c.looking)
	}
}

// hasLeft tells whether the client has closed the connection, as far as anybody
// has listened.
func (c *connection) hasLeft() bool { return c.left.Load() }

// As much as net/http reads at once: the next head comes in one piece.
const aheadRoom = 4 << 10

// lookAhead reads the byte ahead, and what comes with it. That may be the next
// request only, which then finds it in ahead.
func (c *connection) lookAhead(over chan<- struct{}) {
	defer close(over)
	c.mu.Lock()
	defer c.mu.Unlock()
	b := make([]byte, aheadRoom)
	n, err := c.wait(b)
	c.looking = nil
	c.ahead = b[:n]
	if n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.gone = err
		c.left.Store(true)
	}
}

// read is next, but there is no byte ahead before it is worth reading. Lock:
// held, but not while it waits.
func (c *connection) read(b []byte) (int, error) {
	if len(b) == 1 && c.serving && !c.listening {
		c.declined = true
		return 0, nil
	}
	return c.next(b)
}

// next reads from the connection, keeping to the deadline. Lock: held, but not
// while it waits.
func (c *connection) next(b []byte) (int, error) {
	if over := c.looking; over != nil {
		c.mu.Unlock()
		<-over
		c.mu.Lock()
	}
	if c.gone != nil {
		return 0, c.gone
	}
	if n := copy(b, c.ahead); n > 0 {
		if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
			c.ahead = nil // and its memory
		}
		return n, nil
	}
	return c.wait(b)
}

// wait reads from the connection below. Lock: held, but not while it waits.
func (c *connection) wait(b []byte) (int, error) {
	for {
		if c.interrupted() {
			return 0, os.ErrDeadlineExceeded
		}
		if !c.want.IsZero() && (c.armed.IsZero() || c.armed.After(c.want)) {
			if err := c.arm(c.want); err != nil {
				return 0, err
			}
		}
		c.inRead++
		c.mu.Unlock()
		n, err := c.Conn.Read(b)
		c.mu.Lock()
		c.inRead--
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if !c.want.IsZero() && !time.Now().Before(c.want) {
			return 0, err
		}
		if err := c.arm(c.want); err != nil { // it was an older one that fired
			return 0, err
		}
	}
}

func (c *connection) arm(t time.Time) error {
	c.armed = t
	return c.Conn.SetReadDeadline(t)
}
