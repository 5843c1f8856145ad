package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/share"
)

// How a server ends without losing a request:
//
//  1. It takes what the kernel has already accepted, then closes its listening
//     sockets. If nobody else serves on them, the kernel is first told to accept
//     no more (deaf_linux.go).
//  2. Every response says Connection: close.
//  3. A connection that is idle is not closed at once: its client may be
//     sending the next request at this moment. It has the time to do so
//     (linger) and gets an answer, with Connection: close. Clients that are
//     busy are gone after that; the others have nothing to lose. Those of HTTP/2
//     are told that the connection will end, and answered for as long.
//  4. What is left at the end of the timeout is cut off.

// sweepInterval is how often a drain looks at the connections.
const sweepInterval = 20 * time.Millisecond

// Drain ends the server as described above. linger is how long idle connections
// stay open. stops: nobody else serves on the sockets, so they are shut down for
// every process that may hold a copy of them. What is not finished after timeout
// is cut off: the requests that this happened to are returned as Running has them.
func (s *Server) Drain(linger, timeout time.Duration, stops bool) (cut []string) {
	s.share.Leave()
	s.http1.Drain()
	s.http2.Drain()
	for _, l := range s.listeners {
		l.close(stops)
	}
	s.accepting.Wait()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for late := false; !late && s.http1.Sweep(linger) > 0; {
		select {
		case <-tick.C:
			s.http2.Sweep(linger)
		case <-deadline.C:
			late, cut = true, s.Unfinished()
		}
	}
	s.http1.Close()
	s.cancel()
	<-s.stopped
	s.access.Close()
	return cut
}

// Unfinished are the requests that run, as Running has them; none if there is no
// application.
func (s *Server) Unfinished() []string {
	if s.Watcher == nil {
		return nil
	}
	return s.Running()
}

// listener is a listening socket that other processes may serve on as well.
type listener struct {
	net.Listener
	borrowed bool
	share    *share.Share
	closing  atomic.Bool
	stops    bool // written before closing

	mu     sync.Mutex
	copied *os.File // the socket, for those who wait for it themselves; nil: nobody does
}

// longAgo is a deadline that ends an accept at once.
var longAgo = time.Unix(1, 0)

// Accept returns the next connection; when the listener is being closed, those
// that the kernel has accepted already, then net.ErrClosed.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	err = l.settle(err, func() bool {
		c = l.queued()
		return c != nil
	})
	if err != nil {
		return nil, err
	}
	if !l.closing.Load() { // else another worker may have the place by now
		l.share.Add(1)
	}
	return apart(c), nil
}

// settle is the error of an accept that ended with err: when the listener is being
// closed, nil as long as queued finds a connection, and then net.ErrClosed.
func (l *listener) settle(err error, queued func() bool) error {
	switch {
	case err == nil:
		return nil
	case l.closing.Load():
		if queued() {
			return nil
		}
		if l.stops {
			time.Sleep(settling) // what another core is just queueing
			if queued() {
				return nil
			}
		}
		l.end()
		return net.ErrClosed
	case errors.Is(err, syscall.EINVAL): // another process has shut the socket down
		return net.ErrClosed
	}
	return err
}

// acceptOne takes a connection that the kernel has accepted, if there is one: the
// socket is non-blocking.
func acceptOne(listening int) (fd int, from unix.Sockaddr, err error) {
	for {
		fd, from, err = unix.Accept4(listening, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNABORTED) {
			return fd, from, err
		}
	}
}

func (l *listener) queuedDescriptor() (fd int, from unix.Sockaddr) {
	fd = -1
	l.control(func(listening int) {
		accepted, address, err := acceptOne(listening)
		if err == nil {
			fd, from = accepted, address
		}
	})
	return fd, from
}

// close has Accept return what is queued, and then end. stops: see Drain.
func (l *listener) close(stops bool) {
	l.stops = stops && !l.borrowed
	if l.stops && l.Addr().Network() == "tcp" {
		l.control(func(fd int) { _ = deafen(fd) })
	}
	l.closing.Store(true)
	if d, ok := l.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		_ = d.SetDeadline(longAgo) // wakes Accept
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.copied != nil {
		_ = l.copied.SetReadDeadline(longAgo)
	}
}

// settling is how long the kernel may take to queue what it has begun to accept: next to
// nothing, but where another system has the core meanwhile.
const settling = 10 * time.Millisecond

// control runs do with the socket's descriptor, if it has one.
func (l *listener) control(do func(fd int)) {
	if socket, ok := l.Listener.(syscall.Conn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { do(int(fd)) })
		}
	}
}

// queued takes a connection that the kernel has accepted; nil if there is none.
func (l *listener) queued() net.Conn {
	accepted, _ := l.queuedDescriptor()
	if accepted < 0 {
		return nil
	}
	file := os.NewFile(uintptr(accepted), "connection")
	defer file.Close() // FileConn has its own copy
	conn, err := net.FileConn(file)
	if err != nil {
		return nil
	}
	return conn
}

// end closes the socket, for all processes if they are to stop as well: one
// that the application forked would keep the address occupied.
func (l *listener) end() {
	if l.stops {
		l.control(func(fd int) { _ = unix.Shutdown(fd, unix.SHUT_RDWR) })
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.copied != nil {
		_ = l.copied.Close()
	}
	_ = l.Close()
}
