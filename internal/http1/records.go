package http1

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// records is TLS between a connection and its socket. crypto/tls reads and writes the
// socket through it, so that both are done as without TLS: who waits holds no memory
// of ours, several records go out in one system call, and it is known when a slow
// client last took something.
type records struct {
	*tls.Conn
	socket *socket // nil: a lane has the connection
	ahead  []byte  // of what was read before there was TLS
	once   func(fd uintptr)
	into   []byte // for once; nil: reading may wait
	got    int
	failed error
	header []byte // of the next record, as far as it has come: memory for headerSize
	left   int    // of the record that has begun

	mu       sync.Mutex // guards what follows
	collects bool       // what is written waits for flush, or for a lane
	out      []byte     // it; and what a lane has left
	sending  transmit
	over     bool // somebody else has the connection
}

// secure puts TLS between a connection and its socket, of which ahead has been read.
func (s *socket) secure(config *tls.Config, ahead []byte) {
	r := &records{socket: s, ahead: ahead, header: make([]byte, 0, headerSize)}
	r.once = r.receive
	r.sending.socket = s
	r.sending.once = r.sending.transmit
	r.Conn = tls.Server(below{r}, config)
	s.tls = r
}

// below is the socket, as crypto/tls has it. It may be another one each time.
type below struct{ r *records }

func (b below) Read(p []byte) (int, error)         { return b.r.readBelow(p) }
func (b below) Write(p []byte) (int, error)        { return b.r.writeBelow(p) }
func (b below) Close() error                       { return b.r.socket.Close() }
func (b below) LocalAddr() net.Addr                { return b.r.socket.LocalAddr() }
func (b below) RemoteAddr() net.Addr               { return b.r.socket.RemoteAddr() }
func (b below) SetDeadline(t time.Time) error      { return b.r.socket.SetDeadline(t) }
func (b below) SetReadDeadline(t time.Time) error  { return b.r.socket.SetReadDeadline(t) }
func (b below) SetWriteDeadline(t time.Time) error { return b.r.untilBelow(t) }

// notYet is an error after which crypto/tls goes on where it was.
type notYet struct{ error }

func (notYet) Timeout() bool   { return true }
func (notYet) Temporary() bool { return true }
func (n notYet) Unwrap() error { return n.error }

func (r *records) readBelow(p []byte) (n int, err error) {
	defer func() { r.follow(p[:n]) }()
	if len(r.ahead) > 0 {
		n = copy(p, r.ahead)
		r.ahead = r.ahead[n:]
		return n, nil
	}
	if r.socket == nil {
		return 0, notYet{unix.EAGAIN}
	}
	if r.into != nil {
		r.into = p
		if err := r.socket.raw.Control(r.once); err != nil {
			return 0, err
		}
		n, err = r.got, r.failed
	} else {
		n, err = r.socket.Read(p)
	}
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, os.ErrDeadlineExceeded):
		return n, notYet{err}
	case err == nil && n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, err
}

// receive reads what the socket has.
func (r *records) receive(fd uintptr) {
	for {
		n, err := unix.Read(int(fd), r.into)
		if !errors.Is(err, unix.EINTR) {
			r.got, r.failed = max(n, 0), err
			return
		}
	}
}

// headerSize is that of a record's header: type, version, length (RFC 8446, 5.1).
const headerSize = 5

// follow takes note of where records begin and end.
func (r *records) follow(p []byte) {
	for len(p) > 0 {
		if r.left > 0 {
			n := min(r.left, len(p))
			r.left, p = r.left-n, p[n:]
			continue
		}
		n := min(headerSize-len(r.header), len(p))
		r.header, p = append(r.header, p[:n]...), p[n:]
		if len(r.header) == headerSize {
			r.left = int(r.header[3])<<8 | int(r.header[4])
			r.header = r.header[:0]
		}
	}
}

// isInside tells whether a record has begun to come, and is not whole.
func (r *records) isInside() bool { return r.left > 0 || len(r.header) > 0 }

// readNow reads what is there, in TLS or in the socket; unix.EAGAIN: nothing is, or
// only a part of a record. Only with a socket that has a descriptor.
func (r *records) readNow(p []byte) (int, error) {
	r.into = p // anything but nil
	n, err := r.Read(p)
	r.into = nil
	if n > 0 {
		return n, nil
	}
	if err == nil {
		err = unix.EAGAIN
	}
	return 0, err
}

// writeBelow sends records, or keeps them for flush. They may be more than what the
// application says: answers to the client's own records, from whoever reads.
func (r *records) writeBelow(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.over:
		return r.socket.Write(p)
	case r.collects:
		r.out = append(r.out, p...)
		return len(p), nil
	}
	r.sending.begin()
	n := len(p)
	if len(r.out) > 0 {
		p, r.out = append(r.out, p...), nil
	}
	if err := r.push(p); err != nil {
		return 0, err
	}
	return n, nil
}

// push sends records. Lock: held.
func (r *records) push(p []byte) error {
	r.sending.pieces = [][]byte{p}
	_, err := r.sending.push()
	r.sending.pieces = nil
	return err
}

func (r *records) untilBelow(t time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return r.socket.SetWriteDeadline(t)
	}
	r.sending.until = t
	return nil
}

// handOver leaves the connection to somebody else, deadlines and all.
func (r *records) handOver() net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	return r.Conn
}

// sealed is how much is made into records before they are sent: as much as the largest
// record holds. A client that takes nothing has room for that, and no more.
const sealed = 16 << 10

// Room for the records of that, even if they are small.
const sealedRoom = sealed + 2<<10

var sealing = sync.Pool{New: func() any { return new([sealedRoom]byte) }}

// send is that of the socket: blocks go out as few records in few system calls.
func (r *records) send(blocks [][]byte, until time.Time) (sent int64, err error) {
	room := sealing.Get().(*[sealedRoom]byte)
	defer sealing.Put(room)
	r.mu.Lock()
	r.sending.until = until
	r.sending.begin()
	r.out, r.collects = append(room[:0], r.out...), true
	r.mu.Unlock()
	if len(blocks) == 0 {
		err = r.flush(true)
	}
	for len(blocks) > 0 && err == nil {
		var n int
		if n, blocks, err = r.seal(blocks); err == nil {
			err = r.flush(len(blocks) == 0)
		}
		if err == nil {
			sent += int64(n)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out, r.collects = nil, false
	return sent, err
}

// flush sends what has been collected. last: nothing is collected any more.
func (r *records) flush(last bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collects = !last
	out := r.out
	if r.out = out[:0]; len(out) == 0 {
		return nil
	}
	return r.push(out)
}

var joining = sync.Pool{New: func() any { return new([sealed]byte) }}

// seal makes the next records: of a part of a large block, or of several small ones.
func (r *records) seal(blocks [][]byte) (n int, rest [][]byte, err error) {
	piece := blocks[0][:min(len(blocks[0]), sealed)]
	if len(blocks) == 1 || len(piece) == sealed {
		n, err = r.Write(piece)
		return n, withoutFirst(blocks, len(piece)), err
	}
	memory := joining.Get().(*[sealed]byte)
	defer joining.Put(memory)
	piece = memory[:0]
	for len(blocks) > 0 && len(piece) < sealed {
		n := min(len(blocks[0]), sealed-len(piece))
		piece = append(piece, blocks[0][:n]...)
		blocks = withoutFirst(blocks, n)
	}
	n, err = r.Write(piece)
	return n, blocks, err
}

// withoutFirst is blocks without the first n bytes of the first one.
func withoutFirst(blocks [][]byte, n int) [][]byte {
	if n == len(blocks[0]) {
		return blocks[1:]
	}
	blocks[0] = blocks[0][n:]
	return blocks
}
