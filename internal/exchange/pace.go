package exchange

import (
	"errors"
	"io"
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
	wire     Wire
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
	// What it sent early on earns it time, but not to send nothing at all.
	until := began.Add(min(u.pace.body, u.pace.body+u.pace.allowance(u.received)-u.spent))
	_ = u.wire.SetReadDeadline(until)
	n, err := u.ReadCloser.Read(p)
	now := time.Now()
	u.received += int64(n)
	u.spent += now.Sub(began)
	u.ended.Store(errors.Is(err, io.EOF))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		// The deadline stays: nobody must wait for the rest either. It may also be
		// somebody's who interrupts the read.
		u.late.Store(!now.Before(until))
	case err != nil:
		// Whoever reads next waits for something else.
		_ = u.wire.SetReadDeadline(time.Time{})
	}
	return n, err
}

// isLate: the client was too slow with its body. nil is never late.
func (u *upload) isLate() bool { return u != nil && u.late.Load() }
