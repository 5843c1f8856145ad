package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
)

// pace is how slow a client may be: it has a timeout for a body or a block,
// and a second more for each rate bytes that have passed. 0: all the time in
// the world.
type pace struct {
	body, write time.Duration
	rate        int
}

func paceOf(s *config.Settings) pace {
	return pace{body: s.BodyTimeout, write: s.WriteTimeout, rate: s.MinRate}
}

// allowance is the time that bytes are worth.
func (p pace) allowance(bytes int64) time.Duration {
	const most = 1e9 // seconds; more does not fit into a Duration
	return time.Duration(min(float64(bytes)/float64(p.rate), most) * float64(time.Second))
}

// upload is a request body that the client has to send in time. What counts is
// the time in which somebody waits for it: an application that reads slowly
// costs its client nothing.
type upload struct {
	io.ReadCloser
	control  *http.ResponseController
	pace     pace
	spent    time.Duration
	received int64
	late     atomic.Bool // the client was too slow
	ended    atomic.Bool // all of it was read
}

// Read reads more of the body: os.ErrDeadlineExceeded if it does not come in
// time. One goroutine at a time.
func (u *upload) Read(p []byte) (int, error) {
	if u.pace.body == 0 {
		n, err := u.ReadCloser.Read(p)
		u.ended.Store(errors.Is(err, io.EOF))
		return n, err
	}
	began := time.Now()
	until := began.Add(u.pace.body + u.pace.allowance(u.received) - u.spent)
	_ = u.control.SetReadDeadline(until)
	n, err := u.ReadCloser.Read(p)
	now := time.Now()
	u.received += int64(n)
	u.spent += now.Sub(began)
	u.ended.Store(errors.Is(err, io.EOF))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		// The deadline stays: net/http must not wait for the rest either. It may
		// also be somebody's who interrupts the read.
		u.late.Store(!now.Before(until))
	case err != nil:
		// Whoever reads next, the byte ahead, waits for something else.
		_ = u.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// isLate: the client was too slow with its body. nil is never late.
func (u *upload) isLate() bool { return u != nil && u.late.Load() }

// taking is what a connection knows of a client that has to take a response.
// Like read deadlines (deadline.go), one for writing is not set anew each time:
// it is armed for write_timeout ahead, and one that fires too early is armed
// anew for what is wanted by then.
type taking struct {
	pace  pace
	armed time.Time
	late  bool // the client was too slow: nothing more is written
}

// Write writes to the client while it keeps its pace, then fails with
// os.ErrDeadlineExceeded.
func (c *connection) Write(p []byte) (int, error) {
	written := 0
	_, err := c.inTime(func() (int64, error) {
		n, err := c.Conn.Write(p[written:])
		written += n
		return int64(n), err
	})
	return written, err
}

// writeAll is Write for several pieces, by writev(2).
func (c *connection) writeAll(pieces *net.Buffers) (int64, error) {
	return c.inTime(func() (int64, error) { return pieces.WriteTo(c.Conn) })
}

// ReadFrom is Write for a file: it keeps sendfile(2) within reach of io.Copy.
func (c *connection) ReadFrom(r io.Reader) (int64, error) {
	file, limited := r.(*io.LimitedReader)
	socket, tcp := c.Conn.(*net.TCPConn)
	if !limited || !tcp {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	var sent int64
	size := file.N
	_, err := c.inTime(func() (int64, error) {
		if file.N != size-sent {
			// It was not sendfile, and what was read is lost.
			return 0, io.ErrShortWrite
		}
		n, err := socket.ReadFrom(file)
		sent += n
		return n, err
	})
	return sent, err
}

// inTime calls write again as long as the client takes something in time.
func (c *connection) inTime(write func() (int64, error)) (int64, error) {
	t := &c.out
	if t.late {
		return 0, os.ErrDeadlineExceeded
	}
	if t.pace.write == 0 {
		return write()
	}
	began := time.Now()
	if t.armed.IsZero() {
		if err := c.armWrite(began.Add(t.pace.write)); err != nil {
			return 0, err
		}
	}
	var taken int64
	progress := began
	for {
		n, err := write()
		taken += n
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return taken, err
		}
		now := time.Now()
		if n > 0 {
			progress = now
		}
		// What it took early on earns it time, but not to take nothing at all.
		until := began.Add(t.pace.write + t.pace.allowance(taken))
		if stalled := progress.Add(t.pace.write); stalled.Before(until) {
			until = stalled
		}
		if !now.Before(until) {
			t.late = true
			return taken, err
		}
		if err := c.armWrite(until); err != nil {
			return taken, err
		}
	}
}

func (c *connection) armWrite(t time.Time) error {
	c.out.armed = t
	return c.Conn.SetWriteDeadline(t)
}

// SetWriteDeadline does nothing: net/http takes the deadline away after each
// request, but it is ours, and stays for the next.
func (c *connection) SetWriteDeadline(time.Time) error { return nil }
