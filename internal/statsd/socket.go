package statsd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// socket leads to a server that may come and go: an agent on the same machine is
// updated, a name is not to be resolved yet while the machine starts. Only the
// sender's goroutine uses it.
type socket struct {
	network, address string
	conn             net.Conn // nil: none
	missing          bool     // it was not there lately, and that was said
	failed           func(error)
}

const (
	// patience is for a unix socket whose other end does not read.
	patience = 100 * time.Millisecond
	// dialPatience is for a name that nobody resolves.
	dialPatience = time.Second
)

// newSocket leads to host:port, or unix:PATH.
func newSocket(address string, failed func(error)) *socket {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return &socket{network: "unixgram", address: strings.TrimPrefix(path, "//"), failed: failed}
	}
	return &socket{network: "udp", address: address, failed: failed}
}

// write sends a datagram, or loses it. One that is refused goes to whoever has
// come in the place of the one who has gone.
func (s *socket) write(datagram []byte) {
	for range 2 {
		if s.conn == nil && !s.dial() {
			return
		}
		_ = s.conn.SetWriteDeadline(time.Now().Add(patience))
		if _, err := s.conn.Write(datagram); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		s.close()
	}
}

// dial says once that nobody is there.
func (s *socket) dial() bool {
	conn, err := net.DialTimeout(s.network, s.address, dialPatience)
	if err != nil && !s.missing {
		s.failed(fmt.Errorf("statsd at %s cannot be reached: %w", s.address, err))
	}
	s.conn, s.missing = conn, err != nil
	return err == nil
}

func (s *socket) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}
