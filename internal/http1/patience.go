package http1

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// patience is until when a connection waits for what its client sends. A
// deadline is only remembered; the connection's timer is set when it would fire
// too late, and one that fires too early is set anew for what is wanted by then.
// So a busy connection touches its timer once in a keep_alive, not with each
// request.
type patience struct {
	conn net.Conn

	mu    sync.Mutex
	want  time.Time // zero: for ever
	armed time.Time // when the timer fires or has fired; zero: never
	reads int       // under way
}

// until sets the deadline; zero is none. A read that is under way keeps to it,
// too. From any goroutine.
func (p *patience) until(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.want = t
	if p.reads > 0 && p.isLate() {
		return p.arm()
	}
	return nil // the next read sees to it
}

// isLate tells whether the timer would fire too late. Lock: held.
func (p *patience) isLate() bool {
	return !p.want.IsZero() && (p.armed.IsZero() || p.armed.After(p.want))
}

// arm sets the timer. Lock: held.
func (p *patience) arm() error {
	p.armed = p.want
	return p.conn.SetReadDeadline(p.want)
}

// read calls once, which reads from the connection, until that is more than the
// timer firing too early. os.ErrDeadlineExceeded: nothing came in time.
func (p *patience) read(once func() error) error {
	for {
		if err := p.begin(); err != nil {
			return err
		}
		err := once()
		if again := p.end(err); !again {
			return err
		}
	}
}

func (p *patience) begin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	if p.isLate() {
		return p.arm()
	}
	return nil
}

// end tells whether it was an older deadline that ended the read.
func (p *patience) end(err error) (again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads--
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	if !p.want.IsZero() && !time.Now().Before(p.want) {
		return false
	}
	return p.arm() == nil
}
