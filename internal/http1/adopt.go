package http1

import (
	"errors"
	"net"
	"net/http"

	"golang.org/x/sys/unix"
)

// Lane is who has connections while they wait for a request, and serves some of
// them. What it does not serve comes back by Adopt.
type Lane interface {
	// Give hands it a connection; false: it does not take it.
	Give(p *Parked) bool
	// Count is how many it has, those that were handed over and have not been adopted
	// included; how many of them wait for a request, and how many speak TLS; and how many
	// requests it has served.
	Count() (open, idle, secure int, served int64)
	// Spare closes up to most of those that have waited longest.
	Spare(most int) (closed int)
	// Drain gives all of them back, for good.
	Drain()
}

// Parked is a connection that waits for a request, as a lane has it.
type Parked struct {
	FD            int // non-blocking; whoever has the Parked closes it
	Local, Remote Address
	Trusted       bool     // Config.Trusts says so of the peer
	Heard         bool     // and this
	Requests      int      // that have begun
	Pipelined     bool     // bytes have come before an answer was out
	Visits        int      // times that it came back
	TLS           *Secured // nil: in plain text
}

// Kind is where a connection stands that comes back from a lane.
type Kind int

const (
	Waits   Kind = iota // for a request of which nothing has come
	Reads               // something has come
	Runs                // a request is in the middle
	Lingers             // it has ended but for what the client still sends
	Ends                // it is to be closed
)

// Handed is a connection that comes back from a lane.
type Handed struct {
	Parked
	Kind Kind
	In   []byte // what was read and belongs to no request that has begun

	// Of one that runs. Its body was read.
	Head   []byte // of the request
	Answer Answer
	// Resume answers the request, where the Writer stands.
	Resume func(w *Writer, r *http.Request)
}

// Answer is how far a response has got.
type Answer struct {
	Begun, Chunked, NoBody, Reuse bool
	Ended                         bool // the end of the body is out, or in Rest
	Status                        int
	Declared                      int64 // Content-Length; -1: none
	Written                       int64 // bytes of the body that are out, or in Rest
	HeadSize                      int
	Rest                          []byte // what has not been sent yet; with TLS, its records
}

// MostVisits is how often a connection goes back to the lane: one whose requests come
// back again and again is cheaper to keep.
const MostVisits = 8

// SetLane has connections live in a lane while they wait. Before Serve.
func (s *Server) SetLane(l Lane) { s.lane = l }

// Adopt goes on with a connection of a lane's, which does not count it any more when
// this has returned. Head may be kept.
func (s *Server) Adopt(h *Handed) {
	c := s.connOfParked(&h.Parked)
	if c == nil {
		s.uncount(s.countedAs(h.Remote))
		s.ended()
		s.resumeWithout(h)
		return
	}
	if h.TLS != nil {
		c.secureAgain(h.TLS, h.Answer.Rest)
		h.Answer.Rest = nil
	}
	c.requests.Store(int64(h.Requests))
	c.pipelined, c.visits = h.Pipelined, h.Visits+1
	c.counted = s.countedAs(h.Remote)
	if !s.enter(c) {
		_ = c.Close() // too late: what runs finds no client
	}
	go func() {
		defer s.leave(c)
		c.live(c.adopted(h))
	}()
}

// connOfParked makes a connection of a descriptor. nil: it cannot, for want of memory,
// and nothing can be done for the client.
func (s *Server) connOfParked(p *Parked) *conn {
	nc, err := newDescriptor(p)
	if err != nil {
		s.config.Log.Warn("a connection was dropped", "event", "connections.dropped", "client", p.Remote.Host, "error", err.Error())
		return nil
	}
	return s.connOf(nc, p.Local, p.Remote)
}

// resumeWithout lets go of a request whose connection is lost.
func (s *Server) resumeWithout(h *Handed) {
	if h.Kind != Runs {
		return
	}
	client, server := net.Pipe()
	_ = client.Close()
	c := s.connOf(server, h.Local, h.Remote)
	go c.live(c.adopted(h))
}

// adopted is the first step of a connection that comes from a lane.
func (c *conn) adopted(h *Handed) func() step {
	return func() step {
		c.keep(h.In)
		switch h.Kind {
		case Reads:
			return stepHead
		case Lingers:
			return stepLinger
		case Ends:
			return stepClose
		case Runs:
			return c.resume(h)
		default:
			return stepWait
		}
	}
}

// keep has bytes that somebody else has read stand where reading goes on.
func (c *conn) keep(in []byte) {
	switch {
	case len(in) == 0:
		return
	case len(in) <= firstRoom:
		c.memory = takeRoom()
	default:
		c.memory = make([]byte, len(in))
	}
	c.in = c.memory[:copy(c.memory, in)]
}

// resume answers a request that has begun in a lane.
func (c *conn) resume(h *Handed) step {
	c.begin()
	defer c.endTurn()
	t := c.turn
	size, err := t.head.Read(h.Head, 0, &c.server.config.Limits)
	if err != nil || size != len(h.Head) {
		// The lane has read it with the same limits.
		c.server.config.Log.Error("a request was dropped, by a fault of the server's", "event", "request.panicked", "client", c.name, "reason", "its head cannot be read again")
		return stepReset
	}
	t.fill(c, h.Head)
	t.body.state, t.request.Body = inDone, http.NoBody
	t.writer.begin(c, t)
	t.writer.resume(&h.Answer)
	if h.TLS != nil && h.TLS.failed != nil {
		t.writer.fail(h.TLS.failed)
	}
	return c.answer(func() { h.Resume(&t.writer, &t.request) })
}

// resume makes the Writer's of a response what somebody else has made of it.
func (w *Writer) resume(a *Answer) {
	if !a.Begun {
		return
	}
	w.begun, w.status, w.chunked, w.noBody, w.declared = true, a.Status, a.Chunked, a.NoBody, a.Declared
	w.written, w.headSize, w.reuse = a.Written, a.HeadSize, a.Reuse
	w.buf, w.lastOut = append(w.buf, a.Rest...), a.Ended
	w.owes = w.conn.tls != nil && w.conn.tls.owes()
	w.turn.body.answer()
}

// fail makes a response one of which a part is lost: what there is goes out, an alert for
// instance, and nothing after it.
func (w *Writer) fail(err error) {
	_ = w.FlushError()
	w.err = errors.Join(w.err, err)
}

// park gives the connection to the lane, if it takes it. Nobody has the conn then. With
// TLS, only if that has nothing which can be read.
func (c *conn) park() bool {
	s := c.server
	if s.lane == nil || c.raw == nil || c.door.Handler != nil || (c.door.TLS != nil) != (c.tls != nil) || c.visits >= MostVisits || s.draining.Load() {
		return false
	}
	c.mu.Lock()
	closed := c.closed
	c.closed = true // nobody is to close it from outside now
	c.mu.Unlock()
	if closed {
		return false
	}
	fd := -1
	c.control(func(own int) { fd, _ = unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 3) })
	if fd < 0 {
		c.mu.Lock()
		c.closed = false
		c.mu.Unlock()
		return false
	}
	_ = c.Close() // the copy stays: the client sees nothing of it
	p := &Parked{
		FD: fd, Local: c.local, Remote: c.remote,
		Requests: int(c.requests.Load()), Pipelined: c.pipelined, Visits: c.visits, TLS: c.secured(),
	}
	p.Trusted, p.Heard = s.trusts(c.remote, p.TLS != nil)
	c.counted, c.parked = "", true // it goes on counting
	if !s.lane.Give(p) {
		p.Visits = MostVisits
		s.Adopt(&Handed{Parked: *p, Kind: Waits})
	}
	return true
}

func (s *Server) trusts(peer Address, tls bool) (trusted, heard bool) {
	if s.config.Trusts == nil {
		return false, true
	}
	return s.config.Trusts(peer.Host, tls)
}

// Parser reads heads that are known to be good, outside of a connection.
type Parser struct {
	turn turn
	conn conn
}

// Parse makes the request of a head; nil if it is none. It is valid until the next
// call.
func (p *Parser) Parse(head []byte, limits *Limits) *http.Request {
	t := &p.turn
	if t.header == nil {
		t.header = http.Header{}
	}
	clear(t.header)
	clear(t.values)
	t.values = t.values[:0]
	size, err := t.head.Read(head, 0, limits)
	if err != nil || size != len(head) {
		return nil
	}
	t.fill(&p.conn, head)
	return &t.request
}
