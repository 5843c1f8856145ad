package http1

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/gowsgi/gowsgi/internal/logging"
)

// Serve accepts connections until the listener fails, and returns why:
// net.ErrClosed if it was closed. Being out of descriptors or memory is no
// failure: idle connections are closed, and the others wait in the kernel.
func (s *Server) Serve(l net.Listener) error { return s.ServeDoor(l, Door{}) }

// ServeDoor is Serve for a listener that is a door of its own.
func (s *Server) ServeDoor(l net.Listener, d Door) error {
	accept := s.accepting(l, &d)
	var pause time.Duration
	for {
		err := accept()
		switch {
		case err == nil:
			pause = 0
		case isShortage(err):
			pause = s.short.meet(err, s.spare(), pause)
			time.Sleep(pause)
		case errors.Is(err, syscall.ECONNABORTED) || errors.Is(err, syscall.EPROTO) || errors.Is(err, os.ErrDeadlineExceeded):
			// It left before it was accepted; or somebody woke the listener up.
		default:
			return err
		}
	}
}

// accepting is what accepts a connection from a listener and has it served.
func (s *Server) accepting(l net.Listener, d *Door) func() error {
	descriptors, ok := l.(Descriptors)
	if !ok || s.lane == nil && d.isPlain() {
		return func() error {
			c, err := l.Accept()
			if err == nil {
				s.admit(s.newConn(c), d)
			}
			return err
		}
	}
	return func() error {
		p, err := descriptors.AcceptDescriptor()
		switch {
		case err != nil:
		case s.lane != nil && d.isPlain() && !s.announces(p.Remote):
			s.admitToLane(p)
		default:
			if c := s.connOfParked(p); c != nil {
				s.admit(c, d)
			} else {
				s.ended()
			}
		}
		return err
	}
}

func (s *Server) count() int {
	inLane := s.inLane()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open) + inLane
}

// admit serves a connection, or turns it away.
func (s *Server) admit(c *conn, d *Door) {
	c.door = d
	client := ""
	if !s.announces(c.remote) { // else it is counted when that is known
		client = s.countedAs(c.remote)
	}
	if why := s.room(client); why != "" {
		s.turnAway(c, why)
		return
	}
	c.counted = client
	s.enter(c)
	go s.live(c)
}

// Descriptors is a listener that accepts connections which Go's poller does not know.
type Descriptors interface {
	// AcceptDescriptor fails as Accept does. The descriptor is non-blocking, and not one
	// of 0 to 2.
	AcceptDescriptor() (*Parked, error)
}

// admitToLane is admit for a connection that lives in the lane.
func (s *Server) admitToLane(p *Parked) {
	p.Trusted, p.Heard = s.trusts(p.Remote, false)
	if why := s.room(s.countedAs(p.Remote)); why != "" {
		if c := s.connOfParked(p); c != nil {
			s.turnAway(c, why)
		} else {
			s.ended()
		}
		return
	}
	if !s.lane.Give(p) {
		p.Visits = MostVisits
		s.Adopt(&Handed{Parked: *p, Kind: Waits})
	}
}

// room counts a connection of a client's if it may come in, else says why not.
func (s *Server) room(client string) (why string) {
	if full := s.config.MaxConnections > 0 && s.count() >= s.config.MaxConnections; full {
		closed := s.spare()
		if held, ok := s.full.Pass(time.Now(), 1); ok {
			s.config.Log.Warn("there are max_connections: idle ones are closed, or more are turned away", append([]any{
				"event", "connections.full", "max_connections", s.config.MaxConnections, "closed", closed,
			}, logging.Suppressed(held)...)...)
		}
		if closed == 0 {
			return "max_connections"
		}
	}
	return s.roomFor(client)
}

// roomFor counts a connection of a client's if that has not as many as it may, else
// says so.
func (s *Server) roomFor(client string) (why string) {
	if !s.mayEnter(client) {
		if held, ok := s.crowded.Pass(time.Now(), 1); ok {
			s.config.Log.Warn("a client has max_connections_per_address: more are turned away", append([]any{
				"event", "connections.crowded", "client", client, "max_connections_per_address", s.config.MaxPerAddress,
			}, logging.Suppressed(held)...)...)
		}
		return "max_connections_per_address"
	}
	return ""
}

// mayEnter counts a connection of a client's. False: it has as many as it may.
func (s *Server) mayEnter(client string) bool {
	if client == "" {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.perHost[client] >= s.config.MaxPerAddress {
		return false
	}
	s.perHost[client]++
	return true
}

// enter counts the connection among those that are open. False: the server is over.
func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
	return !s.over
}

// mostTurning is how many clients that are turned away are waited for, so that
// they get to read why; the others are just dropped.
const mostTurning = 64

// turnAway answers 503 at the least cost: nothing is read before. With TLS that would
// be a handshake, so that such a client is just dropped.
func (s *Server) turnAway(c *conn, why string) {
	s.ended()
	if c.door.TLS != nil {
		c.hangUp()
		return
	}
	s.mu.Lock()
	wait := s.turning < mostTurning
	if wait {
		s.turning++
	}
	s.mu.Unlock()
	if !wait {
		c.hangUp()
		return
	}
	go func() {
		defer func() {
			s.mu.Lock()
			s.turning--
			s.mu.Unlock()
		}()
		if c.refuse(http.StatusServiceUnavailable, why) == stepReset {
			c.reset()
			return
		}
		c.linger()
	}()
}

// addressOf is what a client's connections are counted under: its address, of
// IPv6 the part that a network gives to one customer.
func addressOf(host string) string {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	addr = addr.Unmap()
	if addr.Is4() {
		return addr.String()
	}
	const customer = 64
	prefix, _ := addr.Prefix(customer) // it has that many bits
	return prefix.String()
}
