package http1

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is what a connection reads from and writes to. A TCP or unix socket is
// read and written by system calls of our own: so nothing holds memory while
// nothing has come, several pieces go out in one call, and it is known when a
// slow client last took something. What has no descriptor to itself (somebody
// else's TLS, a pipe in memory) does with Read and Write.
type socket struct {
	net.Conn
	raw  syscall.RawConn // nil: none to itself
	tls  *records        // between the connection and the socket; nil: plain text
	base net.Conn        // the TCP or unix socket itself, below somebody else's TLS perhaps
	in   patience
	pace pace

	writeUntil time.Time // as the handler set it; zero: as the pace has it
	armed      bool      // a write deadline is set
	late       bool      // the client was too slow: nothing more is written

	reading receive // memory for the callbacks below
	sending transmit
	writing sync.Mutex // 100 Continue is another goroutine's
}

// pace is how slowly a client may take a response: it has a timeout for a block,
// and a second more for each rate bytes that it has taken of it. timeout 0: all
// the time in the world.
type pace struct {
	timeout time.Duration
	rate    int
}

// allowance is the time that bytes are worth.
func (p pace) allowance(bytes int64) time.Duration {
	const most = 1e9 // seconds; more does not fit into a Duration
	return time.Duration(min(float64(bytes)/float64(max(p.rate, 1)), most) * float64(time.Second))
}

func (s *socket) init(c net.Conn, p pace) {
	s.Conn, s.in.conn, s.pace, s.base = c, c, p, c
	if tls, ok := c.(interface{ NetConn() net.Conn }); ok {
		s.base = tls.NetConn()
	}
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn, *descriptor:
		if raw, err := c.(syscall.Conn).SyscallConn(); err == nil {
			s.raw = raw
		}
	}
	s.reading.once, s.reading.read = s.reading.receive, s.reading.now
	s.sending.socket = s
	s.sending.once = s.sending.transmit
}

// read reads into p, which is not empty, keeping to the deadline.
func (s *socket) read(p []byte) (n int, err error) {
	var from io.Reader = s.Conn
	if s.tls != nil {
		from = s.tls
	}
	err = s.in.read(func() error {
		n, err = from.Read(p)
		if n > 0 {
			return nil
		}
		return err
	})
	if n > 0 {
		err = nil
	}
	return n, err
}

// receive is a read into memory that is only asked for once something is there.
type receive struct {
	once func(fd uintptr) bool
	read func(p []byte) (int, error)
	into func(read func(p []byte) (int, error)) (waits bool)
	fd   int
}

// receive is called by the runtime's poller when the socket is readable; false:
// it waits.
func (r *receive) receive(fd uintptr) bool {
	r.fd = int(fd)
	return !r.into(r.read)
}

func (r *receive) now(p []byte) (int, error) {
	for {
		n, err := unix.Read(r.fd, p)
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}

// await waits until the socket has something, or has ended, and calls
// reading.into whenever that may be so; that reads, and tells whether there was
// nothing yet. Only with raw.
func (s *socket) await() error {
	return s.in.read(func() error { return s.raw.Read(s.reading.once) })
}

// transmit is a write under way.
type transmit struct {
	socket *socket
	once   func(fd uintptr) bool
	memory [][]byte // that pieces is a part of
	pieces [][]byte // what is left of it
	file   *os.File // instead of pieces
	left   int64    // of the file

	until           time.Time // zero: as the pace has it
	began, progress time.Time // zero: it has not had to wait
	taken           int64
	failure         error
}

// keptPieces is the number of pieces that memory is kept for.
const keptPieces = 16

// send writes before, blocks and after, in one system call if the client keeps
// up. os.ErrDeadlineExceeded if it does not keep its pace, for good.
func (s *socket) send(before []byte, blocks [][]byte, after string) (int64, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	t := &s.sending
	t.memory = append(append(t.memory[:0], before), blocks...)
	if after != "" {
		t.memory = append(t.memory, []byte(after))
	}
	t.pieces = t.memory
	t.consume(0)
	n, err := int64(0), error(nil)
	switch {
	case s.tls != nil && (len(t.pieces) > 0 || s.tls.owes()):
		n, err = s.tls.send(t.pieces, s.writeUntil)
	case len(t.pieces) == 0:
	default:
		n, err = s.transmit()
	}
	clear(t.memory)
	t.pieces = nil
	if cap(t.memory) > keptPieces {
		t.memory = nil
	}
	return n, err
}

// sendFile sends size bytes of a file from where it stands, by sendfile(2). ok
// is false, and nothing was sent, if that cannot be. io.ErrUnexpectedEOF if the
// file is shorter.
func (s *socket) sendFile(file *os.File, size int64) (n int64, err error, ok bool) {
	if s.raw == nil || s.tls != nil || size == 0 {
		return 0, nil, false
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	t := &s.sending
	t.pieces, t.file, t.left = nil, file, size
	n, err = s.transmit()
	t.file = nil
	if n == 0 && (errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP)) {
		return 0, nil, false
	}
	return n, err, true
}

func (s *socket) transmit() (int64, error) {
	s.sending.until = s.writeUntil
	s.sending.begin()
	return s.sending.push()
}

// begin is for what the client is to take at one pace.
func (t *transmit) begin() { t.began, t.taken = time.Time{}, 0 }

// push sends pieces or the file. It returns what the client has taken since begin.
func (t *transmit) push() (int64, error) {
	s := t.socket
	if s.late {
		return t.taken, os.ErrDeadlineExceeded
	}
	t.failure = nil
	if s.raw == nil {
		return t.writePieces()
	}
	if !t.until.IsZero() { // also for a write that does not have to wait
		if err := t.wait(); err != nil {
			return t.taken, err
		}
	}
	err := s.raw.Write(t.once)
	if err == nil {
		err = t.failure
	}
	if s.armed {
		s.armed = false
		_ = s.SetWriteDeadline(time.Time{}) // the next write has its own
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.late = true
	}
	return t.taken, err
}

// transmit is called by the runtime's poller when the socket is writable; false:
// it waits.
func (t *transmit) transmit(fd uintptr) bool {
	for {
		n, err := t.write(int(fd))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			t.failure = t.wait()
			return t.failure != nil
		case err != nil:
			t.failure = &net.OpError{Op: "write", Net: "tcp", Err: err}
			if t.file != nil {
				t.failure = err
			}
			return true
		}
		t.taken += int64(n)
		if !t.began.IsZero() {
			t.progress = time.Now()
		}
		if t.file != nil {
			if t.left -= int64(n); t.left == 0 {
				return true
			}
			if n == 0 {
				t.failure = io.ErrUnexpectedEOF
				return true
			}
			continue
		}
		if t.consume(n); len(t.pieces) == 0 {
			return true
		}
	}
}

// mostFile is how much of a file one system call sends.
const mostFile = 4 << 20

func (t *transmit) write(fd int) (int, error) {
	if t.file != nil {
		return sendFile(fd, t.file, int(min(t.left, mostFile)))
	}
	if len(t.pieces) == 1 { // nearly always, and without garbage
		return unix.SendmsgN(fd, t.pieces[0], nil, nil, noSignal)
	}
	return unix.SendmsgBuffers(fd, t.pieces[:min(len(t.pieces), mostPieces)], nil, nil, noSignal)
}

// mostPieces is IOV_MAX of Linux and macOS.
const mostPieces = 1024

// consume takes n bytes off the pieces, and empty ones.
func (t *transmit) consume(n int) {
	for len(t.pieces) > 0 && n >= len(t.pieces[0]) {
		n -= len(t.pieces[0])
		t.pieces = t.pieces[1:]
	}
	if n > 0 {
		t.pieces[0] = t.pieces[0][n:]
	}
}

// wait sets the deadline for what the client is to take next. What it took early
// on earns it time, but not to take nothing at all.
func (t *transmit) wait() error {
	s := t.socket
	now := time.Now()
	if t.began.IsZero() {
		t.began, t.progress = now, now
	}
	until := t.until
	if s.pace.timeout > 0 {
		paced := t.began.Add(s.pace.timeout + s.pace.allowance(t.taken))
		if stalled := t.progress.Add(s.pace.timeout); stalled.Before(paced) {
			paced = stalled
		}
		if until.IsZero() || paced.Before(until) {
			until = paced
		}
	}
	if until.IsZero() {
		return nil
	}
	s.armed = true
	return s.SetWriteDeadline(until)
}

// writePieces is push by Write: in small steps, since it does not tell when it last
// got on.
func (t *transmit) writePieces() (int64, error) {
	s := t.socket
	if t.file != nil {
		return 0, unix.ENOSYS
	}
	const step = 16 << 10
	for len(t.pieces) > 0 {
		if err := t.wait(); err != nil {
			return t.taken, err
		}
		n, err := s.Write(t.pieces[0][:min(step, len(t.pieces[0]))])
		t.taken += int64(n)
		t.progress = time.Now()
		if err != nil {
			s.late = s.late || errors.Is(err, os.ErrDeadlineExceeded)
			return t.taken, err
		}
		t.consume(n)
	}
	return t.taken, nil
}

// finish ends the sending direction: the client sees that nothing follows, also
// if a process that the application forked holds a copy of the socket.
func (s *socket) finish() {
	if s.tls != nil {
		_ = s.tls.CloseWrite() // close_notify; the client may take it as slowly as anything
	}
	s.finishBelow()
}

// finishBelow is finish, but for what TLS has to say: it does not wait. To a client
// with TLS what there is looks cut off.
func (s *socket) finishBelow() {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// reset ends the connection so that it is an error for the client (RST).
func (s *socket) reset() {
	if isTCP(s.base) {
		_ = s.base.(interface{ SetLinger(sec int) error }).SetLinger(0)
		s.control(disconnect)
	}
	_ = s.base.Close()
}

func isTCP(c net.Conn) bool {
	own, ok := c.(*descriptor)
	if !ok {
		_, ok = c.(*net.TCPConn)
		return ok
	}
	return own.isTCP()
}

// control calls do with the descriptor, if there is one.
func (s *socket) control(do func(fd int)) {
	if socket, ok := s.base.(syscall.Conn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { do(int(fd)) })
		}
	}
}

// hasInput tells whether the kernel holds bytes that nobody has read.
func (s *socket) hasInput() bool {
	n := 0
	s.control(func(fd int) { n, _ = unix.IoctlGetInt(fd, bytesWaiting) })
	return n > 0
}

// presence tells whether the client has closed the connection for both ways
// (gone), or will at least send nothing more (finished), as far as the kernel
// knows. From any goroutine.
func (s *socket) presence() (gone, finished bool) {
	s.control(func(fd int) { gone, finished = hungUp(fd) })
	return gone, finished
}
