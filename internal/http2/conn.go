package http2

import (
	"bufio"
	"context"
	"crypto/tls"
	"log"
	"log/slog"
	"math"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// conn is a connection, as the library sees it: it reads and writes here.
type conn struct {
	net.Conn
	server        *Server
	library       http.Server
	in            *bufio.Reader // a frame is two reads
	tls           *tls.ConnectionState
	local, remote http1.Address
	requests      atomic.Int64 // that have begun
	moves         atomic.Int64 // handlers that have begun or ended
	resets        bucket

	out      sync.Mutex // guards what follows, and writing
	frames   frames
	finished bool        // nothing more is written
	wanted   atomic.Bool // a GOAWAY that says that there will be an end

	mu      sync.Mutex
	begun   bool // the library has it
	idle    bool
	since   time.Time
	warned  time.Time // zero: the client was not told that the connection will end
	isShut  bool
	over    bool // the library has done with it
	running int  // handlers
	ended   chan struct{}
	timer   *time.Timer // while it is idle
}

func (s *Server) newConn(nc net.Conn) *conn {
	c := &conn{
		Conn: nc, server: s, in: bufio.NewReaderSize(nc, 4<<10), ended: make(chan struct{}), resets: newBucket(s.config.MaxStreams),
		local: http1.SplitAddress(nc.LocalAddr().String()), remote: http1.SplitAddress(nc.RemoteAddr().String()),
	}
	if secure, ok := nc.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := secure.ConnectionState()
		c.tls = &state
	}
	c.timer = time.AfterFunc(time.Hour, c.expire)
	c.timer.Stop()
	return c
}

// serve serves it to its end, and that of its requests.
func (c *conn) serve() {
	s := &c.server.config
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	c.library = http.Server{
		Handler: c, Protocols: protocols, ConnState: c.changed, ErrorLog: log.New(complaints{c}, "", 0),
		MaxHeaderBytes: listSize(&s.Limits), ReadHeaderTimeout: s.HeaderTimeout,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: s.MaxStreams, MaxReadFrameSize: s.MaxFrame, WriteByteTimeout: s.WriteTimeout,
			MaxReceiveBufferPerStream: s.Window, MaxReceiveBufferPerConnection: max(s.Window, connWindow),
		},
	}
	_ = c.library.Serve(&one{Conn: c}) // it always fails: there is no second connection
	<-c.ended
	c.timer.Stop()
}

// connWindow is how much of all bodies of a connection may come before it is read.
const connWindow = 1 << 20

// Read reads what the client sends.
func (c *conn) Read(p []byte) (int, error) { return c.in.Read(p) }

// one is a listener to which one connection comes.
type one struct {
	net.Conn
	taken atomic.Bool
}

func (l *one) Accept() (net.Conn, error) {
	if l.taken.Swap(true) {
		return nil, net.ErrClosed
	}
	return l.Conn, nil
}

func (l *one) Close() error   { return nil } // the connection is not the listener
func (l *one) Addr() net.Addr { return l.LocalAddr() }

// changed is called by the library.
func (c *conn) changed(_ net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateIdle:
		c.begun, c.idle, c.since = true, true, time.Now()
		c.timer.Reset(c.patience())
	case http.StateActive:
		c.begun, c.idle = true, false
		c.timer.Stop()
	case http.StateClosed:
		c.over, c.idle = true, false
		c.leave()
	}
}

// patience is how long it may be idle. Lock: held.
func (c *conn) patience() time.Duration {
	s := &c.server.config
	switch {
	case !c.warned.IsZero():
		return lingering
	case c.requests.Load() > 0:
		return s.KeepAlive
	case s.HeaderTimeout > 0:
		return s.HeaderTimeout
	}
	return math.MaxInt64
}

// lingering is how long a client that is idle has to hear that the connection ends.
const lingering = time.Second

// expire is called when it has been idle for long enough.
func (c *conn) expire() {
	c.mu.Lock()
	idle, warned := c.idle, !c.warned.IsZero()
	c.mu.Unlock()
	switch {
	case !idle:
	case warned:
		c.shut()
	default:
		c.warn()
		c.mu.Lock()
		if c.idle {
			c.timer.Reset(lingering)
		}
		c.mu.Unlock()
	}
}

// enter counts a handler; done with leave.
func (c *conn) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running++
	c.moves.Add(1)
	c.server.streams.Add(1)
}

func (c *conn) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	c.moves.Add(1)
	c.server.streams.Add(-1)
	c.leave()
}

// linger gives other requests of the connection the time to be answered, while some are.
// As long as a write is under way the library collects frames, which go out with the
// next; it would else make a write for each, and the head of a response is one.
func (c *conn) linger() {
	for began := time.Now(); time.Since(began) < lingersFor; {
		before := c.moves.Load()
		runtime.Gosched()
		if c.moves.Load() == before {
			return
		}
	}
}

const lingersFor = 200 * time.Microsecond

// leave says so when it is over, and nothing runs. Lock: held.
func (c *conn) leave() {
	if !c.over || c.running > 0 {
		return
	}
	select {
	case <-c.ended: // a handler has begun late
	default:
		close(c.ended)
	}
}

func (c *conn) isIdle() bool {
	_, idle := c.idleSince()
	return idle
}

func (c *conn) idleSince() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since, c.idle
}

// warnedFor is how long ago the client was told that the connection will end; -1: it
// was not, or there is nothing more to be told.
func (c *conn) warnedFor(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.warned.IsZero() || c.isShut {
		return -1
	}
	return now.Sub(c.warned)
}

// warn tells the client that the connection will end. All that it sends is answered.
func (c *conn) warn() {
	c.mu.Lock()
	first := c.warned.IsZero()
	if first {
		c.warned = time.Now()
	}
	c.mu.Unlock()
	if first {
		c.wanted.Store(true)
		c.tell()
	}
}

// gone is a context that is over.
var gone = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// shut takes no more requests.
func (c *conn) shut() {
	c.mu.Lock()
	shuts := !c.isShut
	begun := c.begun
	c.isShut = true
	c.mu.Unlock()
	switch {
	case !shuts:
	case begun:
		_ = c.library.Shutdown(gone) // it waits for nothing
	default:
		_ = c.Close() // its client has not even said hello
	}
}

// complaints are what the library logs: connections that it ends for what their
// client has sent.
type complaints struct{ *conn }

func (c complaints) Write(text []byte) (int, error) {
	if held, ok := c.server.broken.Pass(time.Now(), 1); ok {
		c.server.config.Log.Log(context.Background(), slog.LevelInfo, "what a client sent is not HTTP/2, or it did not answer", append([]any{
			"event", "http2.broken", "client", net.JoinHostPort(c.remote.Host, c.remote.Port),
			"reason", strings.TrimSuffix(strings.TrimPrefix(string(text), "http2: "), "\n"),
		}, logging.Suppressed(held)...)...)
	}
	return len(text), nil
}
