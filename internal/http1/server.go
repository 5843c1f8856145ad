package http1

import (
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/internal/clock"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// Config is what a Server needs to know. Handler and Log must be set.
type Config struct {
	// Handler answers the requests. It gets a *Writer. The request has no URL and
	// no context of its own: its target may be what a URL cannot hold, and who
	// wants to know whether the client is there asks the Writer. Its memory is
	// used again when the handler has returned: see Writer.Keep.
	Handler http.Handler
	Log     *slog.Logger
	// Refused is told of answers to what was no request. nil: nobody is.
	Refused func(*Refused)
	// Dress changes the fields and the body of such an answer. nil: they stay.
	Dress func(status int, fields [][2]string, body string) ([][2]string, string)

	Limits         Limits
	HeaderTimeout  time.Duration // from a head's first byte, and for the first byte of a connection
	KeepAlive      time.Duration // 0: a connection ends after each response
	WriteTimeout   time.Duration // 0: none
	MinRate        int           // bytes that are worth another second of it
	MaxConnections int           // 0: any number
	MaxPerAddress  int           // connections of one client; 0: any number
	// Trusts tells whether what a peer says of others is believed, and if not, whether
	// there is no need to look at it: a Lane asks. MaxPerAddress is not for those who are
	// trusted. nil: nobody is.
	Trusts func(host string, tls bool) (trusted, heard bool)
	// Announcing is who announces clients by the PROXY protocol.
	Announcing Announcing
	// PriorKnowledge: those whom Trusts believes may begin a connection with HTTP/2.
	PriorKnowledge bool
	// SpareHTTP2 closes up to most of HTTP2's connections that have been idle longest.
	SpareHTTP2 func(most int) (closed int)
	// Ended is called for each connection that was accepted and has ended, unless a lane
	// had it last or the server drains. nil: nobody wants to know.
	Ended func()

	// Handshaken is told of each handshake of TLS. nil: nobody is.
	Handshaken func(*Handshake)
	// HTTP2 serves a connection with which that was agreed, which is at its beginning,
	// until it ends; it counts among the others meanwhile. nil: it is not to be had, and
	// Door.TLS must not offer it.
	HTTP2 func(net.Conn)
}

// Server serves connections until Close.
type Server struct {
	config   Config
	date     clock.Clock
	lane     Lane // nil: none
	draining atomic.Bool
	drained  time.Time // under mu

	mu      sync.Mutex
	open    map[*conn]struct{}
	perHost map[string]int // of open, if there is such a limit
	over    bool           // Close was called
	turning int            // connections that are being turned away
	allBusy time.Time      // when no connection was found to be idle
	full    logging.Ration
	crowded logging.Ration
	short   shortage
	silent  silent
}

// New makes a server without connections.
func New(c Config) *Server {
	return &Server{config: c, date: clock.Clock{Layout: http.TimeFormat}, short: shortage{log: c.Log}, open: map[*conn]struct{}{}, perHost: map[string]int{}}
}

// ServeConn serves a connection until it ends. It counts among the others, but no
// limit keeps it away.
func (s *Server) ServeConn(c net.Conn) {
	conn := s.newConn(c)
	s.enter(conn)
	s.live(conn)
}

func (s *Server) live(c *conn) {
	defer s.leave(c)
	first := c.wait
	if c.door.TLS != nil {
		first = c.greet
	}
	if s.announces(c.remote) {
		first = c.announced(first)
	}
	c.live(first)
}

// leave makes room for another connection. It may be called again.
func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := s.open[c]; !open {
		return
	}
	delete(s.open, c)
	s.discount(c.counted)
	if !c.parked {
		s.ended()
	}
}

func (s *Server) ended() {
	if s.config.Ended != nil && !s.draining.Load() {
		s.config.Ended()
	}
}

// discount takes a connection off those of a client. Lock: held.
func (s *Server) discount(client string) {
	if client == "" {
		return
	}
	if s.perHost[client]--; s.perHost[client] <= 0 {
		delete(s.perHost, client)
	}
}

// Closed takes note of a connection that a lane has closed.
func (s *Server) Closed(remote Address) { s.uncount(s.countedAs(remote)) }

func (s *Server) uncount(client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discount(client)
}

// countedAs is what a client's connections are counted under; empty if nobody counts
// them. A proxy's are many clients'.
func (s *Server) countedAs(client Address) string {
	if s.config.MaxPerAddress <= 0 {
		return ""
	}
	if proxy, _ := s.trusts(client, false); proxy {
		return ""
	}
	return addressOf(client.Host)
}

// all are the connections that are open.
func (s *Server) all() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.open))
}

// Open is how many connections are open.
func (s *Server) Open() int { return s.count() }

// Count is how many connections are open, how many of them wait for a request of
// which nothing has come, and how many speak TLS.
func (s *Server) Count() (open, idle, secure int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.mu.Lock()
		if c.idle {
			idle++
		}
		if c.state != nil {
			secure++
		}
		c.mu.Unlock()
	}
	if s.lane != nil {
		laneOpen, laneIdle, laneSecure, _ := s.lane.Count()
		return len(s.open) + laneOpen, idle + laneIdle, secure + laneSecure
	}
	return len(s.open), idle, secure
}

// Drain makes every response its connection's last.
func (s *Server) Drain() {
	s.mu.Lock()
	s.drained = time.Now()
	s.mu.Unlock()
	s.draining.Store(true)
	if s.lane != nil {
		s.lane.Drain()
	}
}

// Draining tells whether there was a Drain.
func (s *Server) Draining() bool { return s.draining.Load() }

// Sweep closes connections that have been idle for that long since Drain: their
// clients cannot know of it, and may be about to send something. It returns how
// many are open.
func (s *Server) Sweep(idle time.Duration) int {
	inLane := s.inLane() // before: those that come from there are among all meanwhile
	all := s.all()
	now := time.Now()
	s.mu.Lock()
	drained := now.Sub(s.drained)
	s.mu.Unlock()
	for _, c := range all {
		if drained >= idle {
			c.abandon(idle, now)
		}
	}
	return len(all) + inLane
}

// inLane is how many connections the lane has.
func (s *Server) inLane() int {
	if s.lane == nil {
		return 0
	}
	open, _, _, _ := s.lane.Count()
	return open
}

// Close ends all connections, whatever they are about. Handlers that run go on.
func (s *Server) Close() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	for _, c := range s.all() {
		c.mu.Lock()
		c.closed = true
		c.mu.Unlock()
		c.finishBelow()
		_ = c.Close()
	}
}

// spare closes some of the connections that have been idle longest, and tells
// how many. All have to be looked at for that: if it was in vain, not again soon.
func (s *Server) spare() (closed int) {
	const some = 16
	const soon = 20 * time.Millisecond
	now := time.Now()
	s.mu.Lock()
	inVain := now.Sub(s.allBusy) < soon
	s.mu.Unlock()
	if inVain {
		return 0
	}
	if s.lane != nil {
		if closed = s.lane.Spare(some); closed > 0 {
			return closed
		}
	}
	type idler struct {
		conn  *conn
		since time.Time
	}
	var idle []idler
	for _, c := range s.all() {
		c.mu.Lock()
		if c.idle && !c.closed {
			idle = append(idle, idler{c, c.since})
		}
		c.mu.Unlock()
	}
	slices.SortFunc(idle, func(a, b idler) int { return a.since.Compare(b.since) })
	for _, i := range idle {
		if closed == some {
			break
		}
		if i.conn.abandon(0, now) {
			s.leave(i.conn) // not only when its goroutine gets to it: its place is wanted now
			closed++
		}
	}
	if closed == 0 && s.config.SpareHTTP2 != nil {
		closed = s.config.SpareHTTP2(some)
	}
	if closed == 0 {
		s.mu.Lock()
		s.allBusy = now
		s.mu.Unlock()
	}
	return closed
}
