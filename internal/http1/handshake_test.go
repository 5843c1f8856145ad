package http1

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"
)

// secureDoor serves over TLS whatever the other tests do, and offers these protocols.
func secureDoor(t *testing.T, c Config, protocols ...string) *serving {
	t.Helper()
	return secureDoorTo(t, c, nil, protocols...)
}

// secureDoorTo is secureDoor with a lane behind it, or none.
func secureDoorTo(t *testing.T, c Config, lane Lane, protocols ...string) *serving {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own, clients := certified()
	config := own.Clone()
	config.NextProtos = protocols
	s := &serving{address: l.Addr().String(), journal: new(journal), secure: clients.Clone()}
	s.Server = New(c)
	if lane != nil {
		s.SetLane(lane)
	}
	over := make(chan error, 1)
	go func() { over <- s.ServeDoor(l, Door{TLS: func() *tls.Config { return config }}) }()
	t.Cleanup(func() {
		l.Close()
		<-over
		s.Close()
		eventually(t, "all connections have ended", func() bool { return s.count() == 0 })
	})
	return s
}

// Who agrees on HTTP/2 is somebody else's, deadlines and all, and still counts.
func TestConnectionsOfHTTP2AreHandedOver(t *testing.T) {
	c := settings()
	c.Handler = nil // it is not asked
	late := make(chan error, 1)
	c.HTTP2 = func(conn net.Conn) {
		_ = conn.SetReadDeadline(time.Now().Add(-time.Second))
		_, err := conn.Read(make([]byte, 1))
		late <- err
		_ = conn.SetReadDeadline(time.Time{})
		_ = conn.SetWriteDeadline(time.Now().Add(-time.Second))
		_ = conn.SetWriteDeadline(time.Now().Add(time.Minute))
		_, _ = io.Copy(conn, conn)
		_ = conn.Close()
	}
	s := secureDoor(t, c, "h2", "http/1.1")
	s.secure.NextProtos = []string{"h2"}
	client := s.dial(t)
	if err := <-late; err == nil {
		t.Error("a deadline that is over does not end a read")
	}
	for _, text := range []string{"PRI * HTTP/2.0\r\n\r\n", repeat("frames ", 100_000)} {
		go func() { _, _ = io.WriteString(client.Conn, text) }()
		got := make([]byte, len(text))
		if _, err := io.ReadFull(client.r, got); err != nil || string(got) != text {
			t.Fatalf("%.50q, %v", got, err)
		}
	}
	if open, idle, secure := s.Count(); open != 1 || idle != 0 || secure != 1 {
		t.Errorf("%d open, %d idle, %d secure", open, idle, secure)
	}
	s.Drain()
	if s.Sweep(0) != 1 {
		t.Error("a drain has taken it for idle")
	}
	client.Close()
	eventually(t, "it is over", func() bool { return s.count() == 0 })
}

// How handshakes go is told, and silence is none.
func TestHandshakesAreTold(t *testing.T) {
	told := make(chan *Handshake, 10)
	c := settings()
	c.HeaderTimeout = 50 * time.Millisecond
	c.Handshaken = func(h *Handshake) { told <- h }
	s := secureDoor(t, c, "http/1.1")
	for _, said := range []string{"", "\x16\x03\x01", "GET / HTTP/1.1\r\n\r\n"} {
		conn, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patient))
		_, _ = io.WriteString(conn, said)
		_, _ = io.Copy(io.Discard, bufio.NewReader(conn))
		conn.Close()
	}
	if h := <-told; h.Err == nil || len(told) > 0 {
		t.Errorf("%+v, and %d more", h, len(told))
	}
	c.HeaderTimeout = time.Minute
	secureDoor(t, c, "http/1.1").dial(t)
	if h := <-told; h.Err != nil || h.Resumed {
		t.Errorf("%+v", h)
	}
}

// A protocol that is a handshake and nothing more has no requests, and ends as TLS does.
func TestProofsHaveNoRequests(t *testing.T) {
	c := settings()
	c.Handler = nil // it is not asked
	s := secureDoor(t, c, "acme-tls/1")
	s.secure.NextProtos = []string{"acme-tls/1"}
	client := s.dial(t)
	_, _ = io.WriteString(client.Conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if text, err := io.ReadAll(client.r); len(text) > 0 {
		t.Errorf("%q, %v", text, err)
	}
	eventually(t, "it is over", func() bool { return s.count() == 0 })
}
