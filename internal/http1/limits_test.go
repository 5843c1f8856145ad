package http1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestIdleConnectionsMakeRoom(t *testing.T) {
	c := settings()
	c.MaxConnections = 20
	s := serve(t, c, sink)
	var all []*client
	for range 100 {
		c := s.dial(t)
		c.send(get)
		c.want("GET", 200, "ok")
		all = append(all, c)
	}
	if n := s.count(); n > 20 {
		t.Errorf("%d are open", n)
	}
	all[0].ends() // the one that was idle longest
	all[99].send(get)
	all[99].want("GET", 200, "ok")
	if r := s.journal.refusals(); len(r) > 0 {
		t.Errorf("refused: %+v", r)
	}
}

// The place of one that is closed is free at once, not when its goroutine has
// noticed.
func TestRoomIsThereAtOnce(t *testing.T) {
	c := settings()
	c.MaxConnections = 4
	s := serve(t, c, sink)
	for range 500 {
		c := s.dial(t)
		c.send(get)
		c.want("GET", 200, "ok")
	}
	if r := s.journal.refusals(); len(r) > 0 {
		t.Errorf("%d were refused", len(r))
	}
}

// Nobody is idle: more are turned away, and told so; those who are there are not
// disturbed.
func TestMaxConnections(t *testing.T) {
	c := settings()
	c.MaxConnections = 5
	let := make(chan struct{})
	s := serve(t, c, func(w http.ResponseWriter, r *http.Request) { <-let; sink(w, r) })
	var busy []*client
	for range 5 {
		c := s.dial(t)
		c.send(get)
		busy = append(busy, c)
	}
	eventually(t, "all are busy", func() bool {
		n := 0
		for _, c := range s.all() {
			n += int(c.requests.Load())
		}
		return n == 5
	})
	for range 50 {
		s.turnedAway(t)
	}
	close(let)
	for _, c := range busy {
		c.want("GET", 200, "ok")
	}
	if n := strings.Count(s.journal.String(), "event=connections.full"); n == 0 || n > 20 {
		t.Errorf("%d records", n)
	}
	if n := len(s.journal.refusals()); n != 50 && s.secure == nil {
		t.Errorf("%d refusals were told", n)
	}
	eventually(t, "one of them makes room again", func() bool {
		c, err := s.connect(t)
		if err != nil {
			return false
		}
		c.send(get)
		return true
	})
	eventually(t, "no more than five are open", func() bool { return s.count() <= 5 })
}

func TestMaxConnectionsPerAddress(t *testing.T) {
	c := settings()
	c.MaxPerAddress = 3
	s := serve(t, c, sink)
	var all []*client
	for range 3 {
		c := s.dial(t)
		c.send(get)
		c.want("GET", 200, "ok")
		all = append(all, c)
	}
	s.turnedAway(t)
	all[0].Close()
	eventually(t, "there is room again", func() bool {
		c, err := s.connect(t)
		if err != nil {
			return false
		}
		defer c.Close()
		_, _ = io.WriteString(c.Conn, get)
		r, err := http.ReadResponse(c.r, nil)
		return err == nil && r.StatusCode == 200
	})
	if !strings.Contains(s.journal.String(), "event=connections.crowded client=127.0.0.1") {
		t.Error(s.journal)
	}
}

func TestAddressesThatCountTogether(t *testing.T) {
	for a, b := range map[string]string{
		"127.0.0.1": "127.0.0.1", "::ffff:1.2.3.4": "1.2.3.4", "2001:db8::1": "2001:db8::/64", "2001:db8:0:0:ffff::": "2001:db8::/64", "": "",
	} {
		if got := addressOf(a); got != b {
			t.Errorf("%s counts as %q, want %q", a, got, b)
		}
	}
}

// starved is a listener without descriptors, now and then.
type starved struct {
	net.Listener
	mu    sync.Mutex
	tries int
	until func(tries int) error
}

func (l *starved) Accept() (net.Conn, error) {
	l.mu.Lock()
	l.tries++
	err := l.until(l.tries)
	l.mu.Unlock()
	if err != nil {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", err)}
	}
	return l.Listener.Accept()
}

func TestShortOfDescriptorsIdleConnectionsAreClosedAndNobodySpins(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &starved{Listener: inner, until: func(int) error { return nil }}
	s := serveOn(t, settings(), l, sink)
	idle := s.dial(t)
	idle.send(get)
	idle.want("GET", 200, "ok")
	before := 0
	l.mu.Lock()
	before = l.tries
	l.until = func(tries int) error {
		if tries < before+8 {
			return syscall.EMFILE
		}
		return nil
	}
	l.mu.Unlock()
	s.dial(t).send(get) // has Accept called again
	idle.ends()
	c := s.dial(t)
	c.send(get)
	c.want("GET", 200, "ok")
	if n := strings.Count(s.journal.String(), "event=listener.shortage"); n != 1 {
		t.Errorf("%d records: %s", n, s.journal)
	}
}

// An unfinished head holds no more than limit_request_head.
func TestUnfinishedHeadsAreSmall(t *testing.T) {
	c := settings()
	c.Limits.Fields = 1000
	s := serve(t, c, sink)
	const clients = 100
	for range clients {
		c := s.dial(t)
		c.send("GET / HTTP/1.1\r\n" + repeat("X: "+repeat("x", 990)+"\r\n", 65))
		go func() { _, _ = io.WriteString(c.Conn, repeat("X: "+repeat("x", 990)+"\r\n", 700)) }()
		c.want("GET", 431, "431 Request Header Fields Too Large\n")
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range clients {
		c := s.dial(t)
		c.send("GET / HTTP/1.1\r\n" + repeat("X: "+repeat("x", 990)+"\r\n", 60))
	}
	eventually(t, "all heads are there", func() bool {
		n := 0
		for _, c := range s.all() {
			c.socket.in.mu.Lock()
			n += c.socket.in.reads
			c.socket.in.mu.Unlock()
		}
		return n >= clients
	})
	runtime.GC()
	runtime.ReadMemStats(&after)
	most := int64(clients * 96 << 10)
	if s.secure != nil {
		most += clients * 64 << 10 // what both ends have for a record each way
	}
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > most {
		t.Errorf("%d heads hold %d bytes", clients, held)
	}
}

func TestIdleConnectionHoldsNoMemory(t *testing.T) {
	s := serve(t, settings(), sink)
	var clients []*client
	for range 50 {
		c := s.dial(t)
		c.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + repeat("x", 8000) + "\r\n\r\n")
		c.want("GET", 200, "ok")
		clients = append(clients, c)
	}
	eventually(t, "nobody holds memory", func() bool {
		for _, c := range s.all() {
			c.mu.Lock()
			held := !c.idle || c.memory != nil || c.turn != nil
			c.mu.Unlock()
			if held {
				return false
			}
		}
		return true
	})
	for _, c := range clients {
		c.send(get)
		c.want("GET", 200, "ok")
	}
}

func TestDrain(t *testing.T) {
	let := make(chan struct{})
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == "/wait" {
			<-let
		}
		sink(w, r)
	})
	busy, idle, late, begun := s.dial(t), s.dial(t), s.dial(t), s.dial(t)
	for _, c := range []*client{idle, late, begun} {
		c.send(get)
		c.want("GET", 200, "ok")
	}
	busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
	begun.send(get[:5])
	eventually(t, "one runs, one has begun, two wait", func() bool {
		waiting := 0
		for _, c := range s.all() {
			c.mu.Lock()
			if c.idle {
				waiting++
			}
			c.mu.Unlock()
		}
		return waiting == 2
	})
	s.Drain()
	s.Sweep(time.Hour)
	late.send(get) // in time
	if r := late.want("GET", 200, "ok"); !r.Close {
		t.Error("the answer does not say that the connection ends")
	}
	late.ends()
	eventually(t, "the idle one is closed", func() bool { return s.Sweep(0) == 2 })
	idle.ends()
	begun.send(get[5:])
	begun.want("GET", 200, "ok")
	begun.ends()
	close(let)
	busy.want("GET", 200, "ok")
	busy.ends()
	eventually(t, "all have ended", func() bool { return s.Sweep(0) == 0 })
}

// A connection is not given up while the kernel has something of it.
func TestRequestThatHasArrivedIsNotIdle(t *testing.T) {
	s := serve(t, settings(), sink)
	stop := make(chan struct{})
	var sweeping sync.WaitGroup
	sweeping.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.Sweep(time.Millisecond)
			}
		}
	})
	lost := 0
	for range 2000 {
		c, err := s.connect(t)
		if err != nil { // it was closed before, as one that is idle
			continue
		}
		for range 3 {
			if _, err := io.WriteString(c.Conn, get); err != nil {
				break // it was closed before
			}
			if _, err := http.ReadResponse(c.r, nil); err != nil {
				if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
					t.Fatal(err)
				}
				lost++ // sent at the moment at which it was closed
				break
			}
			_, _ = c.r.Discard(2)
		}
		c.Close()
	}
	close(stop)
	sweeping.Wait()
	if lost > 200 {
		t.Errorf("%d of 2000 connections lost a request", lost)
	}
}

func BenchmarkHello(b *testing.B) {
	body, head := []byte("Hello, world!"), fields(pair{"Content-Type", "text/plain"})
	s := serve(b, settings(), func(w http.ResponseWriter, _ *http.Request) {
		w.(*Writer).Begin(200, "OK", head, int64(len(body)))
		_, _ = w.Write(body)
	})
	c := s.dial(b)
	_ = c.SetDeadline(time.Time{})
	answer, request := make([]byte, 4096), []byte("GET /hello HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}
