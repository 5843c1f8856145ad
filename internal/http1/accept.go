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
func (s *Server) Serve(l net.Listener) error {
	var pause time.Duration
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.admit(c)
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

func (s *Server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// admit serves a connection, or turns it away.
func (s *Server) admit(c net.Conn) {
	conn := s.newConn(c)
	if s.config.MaxPerAddress > 0 {
		conn.counted = addressOf(conn.remote.Host)
	}
	switch why := s.room(conn); why {
	case "":
		go s.live(conn)
	default:
		s.turnAway(conn, why)
	}
}

// room enters the connection if it may come in, else says why not.
func (s *Server) room(c *conn) (why string) {
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
	client := c.counted
	if !s.enter(c) {
		if held, ok := s.crowded.Pass(time.Now(), 1); ok {
			s.config.Log.Warn("a client has max_connections_per_address: more are turned away", append([]any{
				"event", "connections.crowded", "client", client, "max_connections_per_address", s.config.MaxPerAddress,
			}, logging.Suppressed(held)...)...)
		}
		return "max_connections_per_address"
	}
	return ""
}

// enter counts the connection among those that are open. False: its client has
// as many as it may.
func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.counted != "" {
		if s.perHost[c.counted] >= s.config.MaxPerAddress {
			c.counted = ""
			return false
		}
		s.perHost[c.counted]++
	}
	s.open[c] = struct{}{}
	return true
}

// mostTurning is how many clients that are turned away are waited for, so that
// they get to read why; the others are just dropped.
const mostTurning = 64

// turnAway answers 503 at the least cost: nothing is read before.
func (s *Server) turnAway(c *conn, why string) {
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
