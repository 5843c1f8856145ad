package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// client is the other end of a connection, in memory: it takes so many bytes
// each time that a deadline is set, and makes the deadline fire.
type client struct {
	net.Conn
	takes    []int // per deadline; none left: everything
	room     int
	got      int
	limited  bool
	deadline []time.Duration // from now, as they were set
}

func (c *client) SetWriteDeadline(t time.Time) error {
	c.deadline = append(c.deadline, time.Until(t).Round(time.Second))
	if c.limited = len(c.takes) > 0; c.limited {
		c.room, c.takes = c.takes[0], c.takes[1:]
	}
	return nil
}

func (c *client) Write(p []byte) (int, error) {
	if !c.limited || c.room >= len(p) {
		c.got += len(p)
		c.room -= len(p)
		return len(p), nil
	}
	n := c.room
	c.got += n
	c.room = 0
	return n, &net.OpError{Op: "write", Err: os.ErrDeadlineExceeded}
}

func connectionTo(c *client, p pace) *connection {
	conn := &connection{Conn: c}
	conn.out.pace = p
	return conn
}

func TestWriteDeadlineThatFiresTooEarlyIsArmedAnew(t *testing.T) {
	c := &client{takes: []int{10, 0, 20}}
	conn := connectionTo(c, pace{write: time.Minute, rate: 1})
	n, err := conn.Write(make([]byte, 100))
	if n != 100 || err != nil || c.got != 100 {
		t.Fatalf("%d bytes, %v; the client got %d", n, err, c.got)
	}
	// The first is for the connection; then three times too early.
	if len(c.deadline) != 4 {
		t.Errorf("deadlines: %v", c.deadline)
	}
	for _, d := range c.deadline {
		if d != time.Minute {
			t.Errorf("a deadline after %v: somebody who takes nothing has a minute", d)
		}
	}
	if n, err := conn.Write(make([]byte, 100)); n != 100 || err != nil || len(c.deadline) != 4 {
		t.Errorf("%d bytes, %v, deadlines %v: the next write has one already", n, err, c.deadline)
	}
}

func TestWhoTakesNothingIsCutForGood(t *testing.T) {
	c := &client{takes: []int{10, 0}}
	conn := connectionTo(c, pace{write: time.Nanosecond, rate: 1 << 30})
	n, err := conn.Write(make([]byte, 100))
	if n != 10 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if n, err := conn.Write(make([]byte, 100)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after that: %d bytes, %v", n, err)
	}
}

func TestWithoutWriteTimeoutNoDeadlineIsSet(t *testing.T) {
	c := &client{}
	if n, err := connectionTo(c, pace{rate: 1}).Write(make([]byte, 100)); n != 100 || err != nil || len(c.deadline) > 0 {
		t.Errorf("%d bytes, %v, deadlines %v", n, err, c.deadline)
	}
}

func TestAllowanceIsASecondForEachRateBytes(t *testing.T) {
	p := pace{rate: 500}
	for bytes, want := range map[int64]time.Duration{0: 0, 250: time.Second / 2, 5000: 10 * time.Second, 1 << 62: 1e18} {
		if got := p.allowance(bytes); got != want {
			t.Errorf("%d bytes are worth %v, want %v", bytes, got, want)
		}
	}
}

// deadlines is a response writer that notes the read deadlines it is given.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

func TestUploadEarnsTimeAndLeavesNoDeadlineBehind(t *testing.T) {
	d := &deadlines{}
	u := &upload{
		ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat("x", 1000))),
		control:    http.NewResponseController(d), pace: pace{body: time.Minute, rate: 10},
	}
	began := time.Now()
	if n, err := io.Copy(io.Discard, u); n != 1000 || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if len(d.set) != 3 || !d.set[2].IsZero() {
		t.Fatalf("deadlines %v: one for each read, and none at the end", d.set)
	}
	if first, second := d.set[0].Sub(began), d.set[1].Sub(began); first < time.Minute || second-first < 99*time.Second {
		t.Errorf("deadlines after %v and %v", first, second)
	}
	if u.isLate() {
		t.Error("it counts as late")
	}
}

func BenchmarkWrite(b *testing.B) {
	block := make([]byte, 200)
	for name, limit := range map[string]time.Duration{"with deadline": time.Minute, "without": 0} {
		b.Run(name, func(b *testing.B) {
			conn := connectionTo(&client{}, pace{write: limit, rate: 500})
			b.ReportAllocs()
			for b.Loop() {
				_, _ = conn.Write(block)
			}
		})
	}
}
