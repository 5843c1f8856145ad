package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"

	"github.com/pires/go-proxyproto"
	"golang.org/x/sys/unix"
)

// The PROXY protocol (haproxy's proxy-protocol.txt): a proxy that passes on bytes, and
// no requests, says with its first ones whom it has them from. Such a connection has a
// goroutine until that is read; then it is as if its client had opened it.

// Announcing is who may say so, and how.
type Announcing struct {
	// Allowed tells whether a peer may. nil: nobody may.
	Allowed func(host string) bool
	V1, V2  bool // the versions
}

// Sizes of headers.
const (
	longestV1    = 107
	beforeLength = 14
	fixedV2      = 16
	longestV2    = firstRoom // with all that can stand behind the addresses
)

var signatureV1 = []byte("PROXY ")

// announces tells whether the peer may announce a client.
func (s *Server) announces(peer Address) bool {
	allowed := s.config.Announcing.Allowed
	return allowed != nil && allowed(peer.Host)
}

// announced is the first step of a connection whose peer may announce its client:
// next is, once that has happened or is not going to.
func (c *conn) announced(next func() step) func() step {
	return func() step {
		c.deadline(c.server.config.HeaderTimeout)
		header, err := c.announcement()
		switch {
		case errors.Is(err, errNoAnnouncement):
			c.server.silent.note(c)
		case errors.Is(err, errBadAnnouncement):
			return c.refuse(http.StatusBadRequest, err.Error())
		case err != nil: // it has left, or says nothing
			return stepClose
		default:
			c.becomes(header)
		}
		if why := c.enters(); why != "" {
			if c.door.TLS != nil {
				return stepClose // an answer would cost a handshake
			}
			return c.refuse(http.StatusServiceUnavailable, why)
		}
		return next()
	}
}

// enters counts the connection among those of its client, or says why it may not be.
func (c *conn) enters() (why string) {
	s := c.server
	client := s.countedAs(c.remote)
	if why = s.roomFor(client); why != "" {
		return why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.counted = client
	return ""
}

// becomes makes the connection the client's that was announced.
func (c *conn) becomes(h *proxyproto.Header) {
	if h.Command.IsLocal() { // the proxy's own, for its health checks
		return
	}
	from, to, ok := h.TCPAddrs()
	if !ok { // nobody knows: UNKNOWN, a unix socket's client
		return
	}
	c.remote, c.local = addressOfTCP(from), addressOfTCP(to)
	c.name = net.JoinHostPort(c.remote.Host, c.remote.Port)
	if own, ok := c.Conn.(*descriptor); ok { // for whoever asks the socket
		own.remote, own.local = c.remote, c.local
	}
}

func addressOfTCP(a *net.TCPAddr) Address {
	ip, _ := netip.AddrFromSlice(a.IP) // it is one
	return Address{Host: ip.Unmap().String(), Port: strconv.Itoa(a.Port)}
}

var (
	errNoAnnouncement  = errors.New("http1: no PROXY protocol")
	errBadAnnouncement = errors.New("the PROXY protocol's header is none")
)

// announcement takes the header off what comes, and nothing else: what is behind it
// stays in the kernel, for whoever reads on.
func (c *conn) announcement() (*proxyproto.Header, error) {
	if c.raw == nil {
		return nil, errNoAnnouncement
	}
	memory := takeRoom()
	defer giveRoom(memory)
	size, seen := 0, 0
	err := c.peek(memory, func(data []byte) (more bool, err error) {
		size, err = c.server.config.Announcing.size(data)
		seen = len(data)
		return size == 0 && err == nil, err
	})
	if errors.Is(err, errBadAnnouncement) {
		c.in = bytes.Clone(memory[:seen]) // for the log
	}
	if err != nil {
		return nil, err
	}
	for taken := 0; taken < size; {
		n, err := c.read(memory[taken:size])
		if err != nil {
			return nil, err
		}
		taken += n
	}
	header, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(memory[:size])))
	if err != nil {
		c.in = bytes.Clone(memory[:size])
		return nil, fmt.Errorf("%w: %w", errBadAnnouncement, err)
	}
	return header, nil
}

// whyNotAnnounced is why, or that it is a header where none is read.
func (c *conn) whyNotAnnounced(why string) string {
	if bytes.HasPrefix(c.in, signatureV1) || bytes.HasPrefix(c.in, proxyproto.SIGV2) {
		return "a header of the PROXY protocol, where proxy_protocol and proxy_allow_from let none be read"
	}
	return why
}

// size is that of the header at the beginning of data; 0: more is needed to tell.
func (a *Announcing) size(data []byte) (int, error) {
	switch {
	case a.V1 && begins(data, signatureV1):
		end := bytes.Index(data, []byte("\r\n"))
		switch {
		case end >= 0 && end+2 <= longestV1:
			return end + 2, nil
		case end >= 0 || len(data) >= longestV1:
			return 0, fmt.Errorf("%w: its line is too long", errBadAnnouncement)
		}
		return 0, nil
	case a.V2 && begins(data, proxyproto.SIGV2):
		if len(data) < fixedV2 {
			return 0, nil
		}
		size := fixedV2 + int(data[beforeLength])<<8 + int(data[beforeLength+1])
		switch {
		case size > longestV2:
			return 0, fmt.Errorf("%w: it is too long", errBadAnnouncement)
		case len(data) < size:
			return 0, nil
		}
		return size, nil
	}
	return 0, errNoAnnouncement
}

// begins tells whether data begins with the signature, as far as it goes.
func begins(data, signature []byte) bool {
	n := min(len(data), len(signature))
	return n > 0 && bytes.Equal(data[:n], signature[:n])
}

// peek shows what has come and leaves it there, as long as enough wants more.
func (s *socket) peek(memory []byte, enough func(data []byte) (more bool, err error)) (err error) {
	look := func(fd uintptr) bool {
		n := 0
		for {
			if n, _, err = unix.Recvfrom(int(fd), memory, unix.MSG_PEEK); !errors.Is(err, unix.EINTR) {
				break
			}
		}
		switch {
		case errors.Is(err, unix.EAGAIN):
			err = nil
			return false
		case err != nil:
			return true
		case n == 0:
			err = net.ErrClosed
			return true
		}
		more := false
		if more, err = enough(memory[:n]); more {
			if gone, finished := hungUp(int(fd)); gone || finished {
				err = net.ErrClosed // nothing follows
				return true
			}
		}
		return !more
	}
	if waited := s.in.read(func() error { return s.raw.Read(look) }); waited != nil {
		return waited
	}
	return err
}

// silent tells the operator, once, of a peer that may announce a client and does not.
type silent struct{ once sync.Once }

func (s *silent) note(c *conn) {
	s.once.Do(func() {
		c.server.config.Log.Info("a peer in proxy_allow_from sends no PROXY header, and is taken for the client itself: have it send one, or take it off the list",
			"event", "proxy.no_header", "peer", c.name)
	})
}
