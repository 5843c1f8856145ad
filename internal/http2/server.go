package http2

import (
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// Config is what a Server needs to know. Handler and Log must be set.
type Config struct {
	// Handler answers the requests. It gets a *Writer.
	Handler http.Handler
	Log     *slog.Logger
	// Refused is told of answers to what was no request. nil: nobody is.
	Refused func(*http1.Refused)
	// Dress changes the fields and the body of such an answer. nil: they stay.
	Dress func(status int, fields [][2]string, body string) ([][2]string, string)

	Limits        http1.Limits  // of a head, as if it were one of HTTP/1.1
	HeaderTimeout time.Duration // for the first request of a connection; 0: none
	KeepAlive     time.Duration // without a request; 0: a connection ends when it has none
	WriteTimeout  time.Duration // for a connection to take anything; 0: none
	MaxStreams    int           // requests of a connection at a time
	Window        int           // bytes of a body that may come before they are read
	MaxFrame      int           // bytes of a frame that is read
}

// Server serves connections that are brought to it.
type Server struct {
	config  Config
	streams atomic.Int64

	mu       sync.Mutex
	open     map[*conn]struct{}
	draining bool

	broken  logging.Ration // records of connections that were ended for what came
	flooded logging.Ration
}

// New makes a server without connections.
func New(c Config) *Server { return &Server{config: c, open: map[*conn]struct{}{}} }

// Serve serves a connection that begins with HTTP/2's preface, until it has ended
// and no request of it runs any more. It closes it.
func (s *Server) Serve(nc net.Conn) {
	c := s.newConn(nc)
	s.mu.Lock()
	s.open[c] = struct{}{}
	draining := s.draining
	s.mu.Unlock()
	if draining {
		c.warn()
	}
	c.serve()
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
}

func (s *Server) all() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.open))
}

// Count is how many connections are open, how many of them have no request, and how
// many requests there are.
func (s *Server) Count() (open, idle, streams int) {
	all := s.all()
	for _, c := range all {
		if c.isIdle() {
			idle++
		}
	}
	return len(all), idle, int(s.streams.Load())
}

// Drain tells all clients that their connections are about to end. What they still
// send is answered.
func (s *Server) Drain() {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	for _, c := range s.all() {
		c.warn()
	}
}

// Sweep takes no more requests from connections whose clients were told so that long
// ago: they end when those that run are answered.
func (s *Server) Sweep(linger time.Duration) {
	now := time.Now()
	for _, c := range s.all() {
		if c.warnedFor(now) >= linger {
			c.shut()
		}
	}
}

// Spare closes up to most of the connections that have been idle longest, and tells
// how many.
func (s *Server) Spare(most int) (closed int) {
	type idler struct {
		conn  *conn
		since time.Time
	}
	var idle []idler
	for _, c := range s.all() {
		if since, ok := c.idleSince(); ok {
			idle = append(idle, idler{c, since})
		}
	}
	slices.SortFunc(idle, func(a, b idler) int { return a.since.Compare(b.since) })
	for _, i := range idle {
		if closed == most {
			break
		}
		if i.conn.abandon() {
			closed++
		}
	}
	return closed
}
