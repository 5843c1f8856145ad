package http1

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Address is one end of a connection; empty if it is a unix socket.
type Address struct{ Host, Port string }

// conn is a connection and its life:
//
//	await       wait for a request       keep_alive; header_timeout before the first
//	readHead    one has begun            header_timeout from its first byte
//	serve       the handler has it       the handler's; the response: write_timeout
//	drain       what is left of a body   timeForRest, mostRest
//	linger      FIN is out, not ours in  timeToLinger, mostLingering
//
// Its goroutine owns all of it. While the handler runs, one goroutine may read
// the body and another may write; who else wants something has the lock's half.
type conn struct {
	server *Server
	socket
	local, remote Address
	name          string // of the other end, as net/http has it
	door          *Door
	state         *tls.ConnectionState       // nil: no TLS; written under mu
	stirs         func(fd uintptr) (ok bool) // stir, with TLS

	turn      *turn  // the request that has begun; nil: none
	memory    []byte // nil while nothing has come
	in        []byte // the part of memory that was read and nobody has taken
	first     time.Time
	pipelined bool // bytes have come before the answer was out

	requests atomic.Int64 // that have begun
	counted  string       // the address that it counts for
	visits   int          // times that it came from a lane
	parked   bool         // a lane has it

	mu     sync.Mutex
	idle   bool // it waits for a request of which nothing has come
	since  time.Time
	closed bool
	failed error // of the last read in arrive
}

// Memory that is read into at first; a longer head has as much as it needs.
const firstRoom = 4 << 10

var rooms = sync.Pool{New: func() any { return new([firstRoom]byte) }}

func takeRoom() []byte { return rooms.Get().(*[firstRoom]byte)[:] }

// giveRoom gives memory back that nobody reads from any more.
func giveRoom(memory []byte) {
	if cap(memory) == firstRoom {
		rooms.Put((*[firstRoom]byte)(memory[:firstRoom]))
	}
}

func (s *Server) newConn(c net.Conn) *conn {
	conn := s.connOf(c, SplitAddress(c.LocalAddr().String()), SplitAddress(c.RemoteAddr().String()))
	conn.name = c.RemoteAddr().String()
	return conn
}

// connOf is newConn where the addresses are known.
func (s *Server) connOf(c net.Conn, local, remote Address) *conn {
	conn := &conn{server: s, local: local, remote: remote, door: &plainDoor}
	conn.init(c, pace{timeout: s.config.WriteTimeout, rate: s.config.MinRate})
	conn.reading.into = conn.arrive
	if remote.Port != "" {
		conn.name = net.JoinHostPort(remote.Host, remote.Port)
	}
	return conn
}

var plainDoor Door

// SplitAddress takes an address apart; empty for a unix socket.
func SplitAddress(text string) Address {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return Address{}
	}
	for i := range len(host) {
		if host[i] == '%' { // an IPv6 zone
			host = host[:i]
			break
		}
	}
	return Address{host, port}
}

// live serves requests until the connection ends, or a lane has it. first is what
// comes first.
func (c *conn) live(first func() step) {
	defer c.release()
	wait := c.server.config.HeaderTimeout
	next := first()
	for {
		if c.requests.Load() > 0 {
			wait = c.server.config.KeepAlive
		}
		switch next {
		case stepWait:
			if c.tls == nil && c.park() {
				return
			}
			if err := c.await(wait); errors.Is(err, errParked) {
				return
			} else if err != nil {
				c.hangUp()
				return
			}
			next = stepHead
		case stepHead:
			c.begin()
			if next = c.readHead(); next == stepHead {
				next = c.serve()
			}
			c.endTurn()
		case stepHTTP2:
			c.giveToHTTP2()
			return
		case stepLinger:
			c.linger()
			return
		case stepReset:
			c.reset()
			return
		default:
			c.hangUp()
			return
		}
	}
}

// wait is the first step of a connection that has just been accepted.
func (c *conn) wait() step { return stepWait }

// hangUp ends the connection: nothing of the client's is on its way.
func (c *conn) hangUp() {
	c.finish()
	_ = c.Close()
}

// release gives memory back when the connection has ended.
func (c *conn) release() {
	c.mu.Lock()
	c.idle, c.closed = false, true
	c.mu.Unlock()
	c.endTurn()
	c.forget()
}

// forget gives the memory back, of which nothing is wanted.
func (c *conn) forget() {
	giveRoom(c.memory)
	c.memory, c.in = nil, nil
}

// deadline sets until when what comes next has to come; 0: any time.
func (c *conn) deadline(timeout time.Duration) {
	if timeout <= 0 {
		_ = c.socket.in.until(time.Time{})
		return
	}
	_ = c.socket.in.until(time.Now().Add(timeout))
}

// await waits for the first bytes of a request. It holds no memory meanwhile.
func (c *conn) await(timeout time.Duration) error {
	c.forget()
	now := time.Now()
	until := time.Time{}
	if timeout > 0 {
		until = now.Add(timeout)
	}
	_ = c.socket.in.until(until)
	if c.tls != nil && c.raw != nil {
		return c.awaitRecord()
	}
	c.mu.Lock()
	c.idle, c.since = true, now
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	if c.raw != nil {
		if err := c.socket.await(); err != nil {
			return err
		}
		return c.failed
	}
	memory := takeRoom()
	n, err := c.read(memory)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n == 0 || c.closed {
		giveRoom(memory)
		return errors.Join(err, net.ErrClosed)
	}
	c.idle, c.memory, c.in = false, memory, memory[:n]
	return nil
}

// arrive reads what has come. Under the lock, so that nobody takes the
// connection for idle whose bytes have just left the kernel. True: nothing yet.
func (c *conn) arrive(read func(p []byte) (int, error)) (waits bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		c.failed = net.ErrClosed
		return false
	}
	memory := takeRoom()
	n, err := read(memory)
	if n > 0 {
		c.idle, c.memory, c.in, c.failed = false, memory, memory[:n], nil
		return false
	}
	giveRoom(memory)
	if errors.Is(err, unix.EAGAIN) {
		return true
	}
	if c.failed = err; err == nil {
		c.failed = io.EOF
	}
	return false
}

// abandon closes the connection if it is idle, has been for that long, and the
// kernel has nothing of it. From any goroutine.
func (c *conn) abandon(idle time.Duration, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.idle || c.closed || now.Sub(c.since) < idle || c.hasInput() {
		return false
	}
	c.closed, c.idle = true, false
	if c.tls == nil {
		c.finish() // with TLS that may wait for the client: its own goroutine does it
	}
	_ = c.socket.in.until(longAgo)
	return true
}

// longAgo is a deadline that ends a read at once.
var longAgo = time.Unix(1_000_000_000, 0)

// begin is the first byte of a head.
func (c *conn) begin() {
	c.turn = turns.Get().(*turn)
	c.first = time.Time{}
}

// endTurn lets go of the request.
func (c *conn) endTurn() {
	if c.turn != nil {
		c.turn.release()
		c.turn = nil
	}
}

// readHead reads until a head is whole. stepHead: it is; anything else is what
// comes next.
func (c *conn) readHead() step {
	t, limits := c.turn, &c.server.config.Limits
	for seen := 0; ; {
		begun, whole := c.preface()
		if whole {
			return stepHTTP2
		}
		if !begun {
			size, err := t.head.Read(c.in, seen, limits)
			if err != nil {
				if refused, ok := errors.AsType[*Refusal](err); ok {
					return c.refuse(refused.Status, c.whyNotHTTP2(c.whyNotAnnounced(refused.Why)))
				}
				return stepReset
			}
			if size > 0 {
				t.fill(c, c.in[:size])
				c.in = c.in[size:]
				return stepHead
			}
			seen = len(c.in)
		}
		if c.first.IsZero() {
			c.first = time.Now()
			c.deadline(c.server.config.HeaderTimeout)
		}
		switch err := c.more(limits.Head + 1); {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return c.refuse(http.StatusRequestTimeout, "the head did not come within header_timeout")
		default:
			return stepClose // the client has left, and asked for nothing
		}
	}
}

// more reads more behind what is there, up to most bytes in all.
func (c *conn) more(most int) error {
	if cap(c.in) == len(c.in) {
		if free := cap(c.memory) - len(c.in); free < cap(c.memory)/2 {
			c.move(min(2*cap(c.memory), max(most, firstRoom)))
		} else {
			c.in = c.memory[:copy(c.memory, c.in)] // to its beginning
		}
	}
	n, err := c.read(c.in[len(c.in):cap(c.in)])
	c.in = c.in[:len(c.in)+n]
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// move moves what is there into fresh memory.
func (c *conn) move(size int) {
	memory := make([]byte, size)
	n := copy(memory, c.in)
	giveRoom(c.memory)
	c.memory, c.in = memory, memory[:n]
}

// serve has the handler answer the request, and decides what comes next.
func (c *conn) serve() step {
	t := c.turn
	c.requests.Add(1)
	c.deadline(0)
	if t.body.state == inDone && len(c.in) > 0 {
		c.pipelined = true
	}
	t.writer.begin(c, t)
	handler := c.door.Handler
	if handler == nil {
		handler = c.server.config.Handler
	}
	return c.answer(func() { handler.ServeHTTP(&t.writer, &t.request) })
}

// answer has a request answered, and decides what comes next.
func (c *conn) answer(handle func()) step {
	t := c.turn
	if !c.call(t, handle) {
		t.writer.Abort()
	}
	_ = t.writer.End()
	t.body.close()
	for {
		next := after(t.situation(c))
		if next == stepReset && t.writer.canEndShort() {
			next = stepLinger // a body that is cut cannot pass for a whole one
		}
		if next != stepDrain || !c.drain(t) {
			return next
		}
	}
}

// call calls the handler. False: it panicked.
func (c *conn) call(t *turn, handle func()) (whole bool) {
	defer func() {
		if whole {
			return
		}
		reason := recover()
		if err, ok := reason.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			c.server.config.Log.Error("a request was dropped, by a fault of the server's", "event", "request.panicked",
				"uri", t.request.RequestURI, "client", c.name, "reason", reason, "stack", string(debug.Stack()))
		}
	}()
	handle()
	return true
}

// situation is where the connection stands after a response.
func (t *turn) situation(c *conn) situation {
	w, b := &t.writer, &t.body
	s := situation{in: b.input(), out: w.output(), reuse: w.reuse, ahead: len(c.in) > 0, pipelined: c.pipelined, smallRest: b.isSmall()}
	if s.in == inDone && !s.reuse && !s.ahead {
		s.ahead = c.hasInput()
	}
	return s
}

// What is left of a body is read and thrown away up to this much, in this time,
// so that the connection can be used again.
const (
	mostRest    = 1 << 20
	timeForRest = 5 * time.Second
)

// drain reads what is left of a body. False: it was the last request, for there
// is too much, or it does not come.
func (c *conn) drain(t *turn) bool {
	c.deadline(timeForRest)
	n, err := io.Copy(io.Discard, io.LimitReader(&t.body, mostRest+1))
	if n > mostRest || err != nil {
		t.body.err = errors.Join(err, errTooMuch)
	}
	return true
}

var errTooMuch = errors.New("http1: too much is left of a body")

// After an answer that a client may not expect, what it still sends is read and
// thrown away, so that the kernel does not send a reset that could overtake the
// answer (RFC 9112, 9.6): up to this much, for this long.
const (
	mostLingering = 16 << 20
	timeToLinger  = 2 * time.Second
)

func (c *conn) linger() {
	c.finish()
	c.deadline(timeToLinger)
	memory := takeRoom()
	for n := 0; n < mostLingering; {
		got, err := c.read(memory)
		if err != nil || got == 0 {
			break
		}
		n += got
	}
	giveRoom(memory)
	_ = c.Close()
}
