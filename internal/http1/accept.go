package http1

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"
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
			pause = s.starve(err, pause)
			time.Sleep(pause)
		case errors.Is(err, syscall.ECONNABORTED) || errors.Is(err, syscall.EPROTO) || errors.Is(err, os.ErrDeadlineExceeded):
			// It left before it was accepted; or somebody woke the listener up.
		default:
			return err
		}
	}
}

// isShortage tells whether the system lacks what a connection needs.
func isShortage(err error) bool {
	for _, shortage := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, shortage) {
			return true
		}
	}
	return false
}

// A server that lacks descriptors tries again after this long, then twice that,
// and so on.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = 500 * time.Millisecond
)

// starve makes room, and returns how long to wait until the next try.
func (s *Server) starve(err error, pause time.Duration) time.Duration {
	closed := s.spare()
	if held, ok := s.starving.pass(time.Now()); ok {
		s.config.Log.LogAttrs(context.Background(), slog.LevelWarn, "no connection can be accepted: idle ones are closed", with(held,
			slog.String("event", "connections.starved"), slog.String("error", err.Error()), slog.Int("open", s.count()), slog.Int("closed", closed))...)
	}
	if closed > 0 {
		return leastPause
	}
	return min(max(2*pause, leastPause), mostPause)
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
	s.mu.Lock()
	full := s.config.MaxConnections > 0 && len(s.open) >= s.config.MaxConnections
	s.mu.Unlock()
	if full && s.spare() == 0 {
		if held, ok := s.full.pass(time.Now()); ok {
			s.config.Log.LogAttrs(context.Background(), slog.LevelWarn, "there are max_connections, and none is idle: more are turned away", with(held,
				slog.String("event", "connections.full"), slog.Int("max_connections", s.config.MaxConnections))...)
		}
		return "max_connections"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.counted != "" && s.perHost[c.counted] >= s.config.MaxPerAddress {
		if held, ok := s.crowded.pass(time.Now()); ok {
			s.config.Log.LogAttrs(context.Background(), slog.LevelWarn, "a client has max_connections_per_address: more are turned away", with(held,
				slog.String("event", "connections.crowded"), slog.String("client", c.counted), slog.Int("max_connections_per_address", s.config.MaxPerAddress))...)
		}
		c.counted = ""
		return "max_connections_per_address"
	}
	if c.counted != "" {
		s.perHost[c.counted]++
	}
	s.served.Add(1)
	s.open[c] = struct{}{}
	return ""
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
		c.close()
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
