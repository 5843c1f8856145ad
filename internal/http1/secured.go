package http1

import (
	"bytes"
	"crypto/tls"
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Secured is the TLS of a connection that a lane has. The lane reads and writes the
// socket; what it has read goes through Open, and what it writes through Seal. It is one
// thread's at a time, as the connection is.
type Secured struct {
	records *records
	door    *Door
	state   *tls.ConnectionState
	blocks  [][]byte // memory for Seal's caller
	failed  error    // of Seal: something that was to be sent is lost
}

// OpenRoom is how many bytes more than what is given to Open may come out of it: what
// there was of a record already.
const OpenRoom = 20 << 10

// State is what was agreed upon.
func (s *Secured) State() *tls.ConnectionState { return s.state }

// Open writes what the records in say to to, and returns how much that is. Nothing is
// kept of either. quiet: there is nothing else; if not, what follows is to be dealt with
// by Adopt: a record that is not whole, the end, or an error.
func (s *Secured) Open(in, to []byte) (n int, quiet bool) {
	r := s.records
	r.ahead = in
	for n < len(to) {
		got, err := r.Read(to[n:])
		n += got
		if err != nil {
			quiet = errors.Is(err, unix.EAGAIN) && !r.isInside()
			break
		}
	}
	r.ahead = bytes.Clone(r.ahead) // what there was no room for, or nothing
	return n, quiet
}

// Seal makes records of blocks, and returns how many bytes of to they are, with what
// else there is to be said. ok is false if they did not fit, or cannot be made: what
// there is of them is sent by whoever adopts the connection, who knows whether that is
// all. Nothing is kept of either.
func (s *Secured) Seal(blocks [][]byte, to []byte) (n int, ok bool) {
	r := s.records
	r.mu.Lock()
	r.out = append(to[:0], r.out...)
	r.mu.Unlock()
	var err error
	for len(blocks) > 0 && err == nil {
		_, blocks, err = r.seal(blocks)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.failed = err
	out := r.out
	r.out = nil
	if err != nil || unsafe.SliceData(out) != unsafe.SliceData(to) {
		r.out = bytes.Clone(out)
		return 0, false
	}
	return len(out), true
}

// Lose is for a Seal that has panicked: nobody knows how far it has got.
func (s *Secured) Lose() {
	r := s.records
	r.mu.Lock()
	defer r.mu.Unlock()
	s.failed, r.out = errLost, nil
}

var errLost = errors.New("http1: what was to be sent over TLS is lost")

// Blocks is memory for n blocks, which are Seal's: whatever the caller puts there is
// forgotten by Forget.
func (s *Secured) Blocks(n int) [][]byte {
	if cap(s.blocks) < n {
		s.blocks = make([][]byte, n)
	}
	return s.blocks[:n]
}

// Forget has nothing stay in the memory of Blocks.
func (s *Secured) Forget() {
	clear(s.blocks[:cap(s.blocks)])
	if cap(s.blocks) > keptPieces {
		s.blocks = nil
	}
}

// secured takes the connection's TLS off its socket, for a lane.
func (c *conn) secured() *Secured {
	r := c.tls
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.socket, r.sending.socket, r.collects = nil, nil, true
	return &Secured{records: r, door: c.door, state: c.state}
}

// secureAgain puts TLS between a connection that comes from a lane and its socket. rest
// are records that the lane has not sent.
func (c *conn) secureAgain(s *Secured, rest []byte) {
	r := s.records
	r.mu.Lock()
	defer r.mu.Unlock()
	r.socket, r.sending.socket, r.collects = &c.socket, &c.socket, false
	if len(rest) > 0 {
		r.out = append(rest, r.out...)
	}
	c.tls, c.state, c.door, c.stirs = r, s.state, s.door, c.stir
}

// owes tells whether there are records that were made and not sent.
func (r *records) owes() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.out) > 0
}
