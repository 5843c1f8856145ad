package http1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestIdleConnectionsAreClosedAfterRequestsOfEveryKind(t *testing.T) {
	c := settings()
	c.KeepAlive = 50 * time.Millisecond
	s := serve(t, c, echo)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			c := s.dial(t)
			c.send(k.request)
			c.want(k.method, 200, k.answer)
			c.ends()
		})
	}
}

func TestConnectionThatSaysNothingIsClosed(t *testing.T) {
	c := settings()
	c.HeaderTimeout = 50 * time.Millisecond
	s := serve(t, c, echo)
	s.dial(t).ends()
	if r := s.journal.refusals(); len(r) > 0 {
		t.Errorf("refused: %+v", r)
	}
}

// The time for a head runs from its first byte, whatever trickles in.
func TestHeadThatTricklesIsRefused(t *testing.T) {
	c := settings()
	c.HeaderTimeout = 200 * time.Millisecond
	s := serve(t, c, echo)
	for _, before := range []string{"", get} {
		c := s.dial(t)
		if before != "" {
			c.send(before)
			c.want("GET", 200, `GET / a "" <nil>`)
		}
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			_, err := io.WriteString(c.Conn, "GET /slow HTTP/1.1\r\nX: ")
			for ; err == nil; _, err = io.WriteString(c.Conn, "x") {
				time.Sleep(time.Millisecond)
			}
		}()
		c.want("GET", 408, "408 Request Timeout\n")
		c.Close()
		<-stop
	}
	for _, r := range s.journal.refusals() {
		if r.Status != 408 || string(r.Line) != "GET /slow HTTP/1.1" || r.Why == "" || r.In == 0 || r.Body != len("408 Request Timeout\n") {
			t.Errorf("refused: %+v, line %q", r, r.Line)
		}
	}
	if n := len(s.journal.refusals()); n != 2 {
		t.Errorf("%d were refused", n)
	}
}

// A deadline of the handler's for its body: late, then another; and one that
// interrupts a read.
func TestReadDeadlines(t *testing.T) {
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.RequestURI == "/interrupt" {
			time.AfterFunc(20*time.Millisecond, func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })
		} else {
			_ = control.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		}
		if _, err := io.ReadAll(r.Body); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
		sink(w, r)
	})
	for _, path := range []string{"/", "/interrupt"} {
		c := s.dial(t)
		c.send("POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
		if r := c.want("POST", 200, "ok"); !r.Close {
			t.Error("the connection is to go on, and nobody knows where the body ends")
		}
		c.send(repeat("x", 97) + "GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
		c.ends()
	}
}

// endless writes until the client is given up.
func endless(done chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.(*Writer).Begin(200, "", fields(), -1)
		block := []byte(repeat("x", 100_000))
		for {
			if _, err := w.Write(block); err != nil {
				done <- err
				return
			}
		}
	}
}

func TestWhoTakesNothingIsReset(t *testing.T) {
	c := settings()
	c.WriteTimeout = 100 * time.Millisecond
	done := make(chan error, 1)
	s := serve(t, c, endless(done))
	client := s.dial(t)
	client.send(get)
	if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if _, err := client.rest(); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the client got %v", err)
	}
}

func TestWriteDeadlineOfTheHandler(t *testing.T) {
	done := make(chan error, 1)
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		endless(done)(w, r)
	})
	s.dial(t).send(get)
	if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// Somebody who is slow, and takes something again and again within the time, is
// not given up.
func TestWhoTakesALittleIsNotCut(t *testing.T) {
	c := settings()
	c.WriteTimeout, c.MinRate = time.Second, 1
	s := serve(t, c, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 30<<20))
	})
	client := s.dial(t)
	client.send(get)
	r, err := http.ReadResponse(client.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // longer than the timeout in all
		if _, err := io.CopyN(io.Discard, r.Body, 5<<20); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
	}
	if n, err := io.Copy(io.Discard, r.Body); n != 5<<20 || err != nil {
		t.Errorf("the rest: %d bytes, %v", n, err)
	}
}

// peer is the other end of a socket without descriptor: it notes the deadlines
// that are set.
type peer struct {
	net.Conn
	reads, writes []time.Duration
}

func (p *peer) SetReadDeadline(t time.Time) error {
	p.reads = append(p.reads, time.Until(t).Round(time.Second))
	return nil
}

func (p *peer) SetWriteDeadline(t time.Time) error {
	p.writes = append(p.writes, time.Until(t).Round(time.Second))
	return nil
}
func (p *peer) Write(b []byte) (int, error) { return len(b), nil }
func (p *peer) Read(b []byte) (int, error)  { return len(b), nil }

func TestReadDeadlineIsSetOnlyIfItWouldFireTooLate(t *testing.T) {
	p := &peer{}
	var s socket
	s.init(p, pace{})
	b := make([]byte, 1)
	for range 100 {
		_ = s.in.until(time.Now().Add(time.Minute))
		_, _ = s.read(b)
	}
	if len(p.reads) != 1 || p.reads[0] != time.Minute {
		t.Errorf("deadlines %v", p.reads)
	}
	_ = s.in.until(time.Now().Add(time.Second))
	_, _ = s.read(b)
	if len(p.reads) != 2 || p.reads[1] != time.Second {
		t.Errorf("deadlines %v", p.reads)
	}
	_ = s.in.until(time.Time{})
	_, _ = s.read(b)
	if len(p.reads) != 2 {
		t.Errorf("deadlines %v", p.reads)
	}
}

func TestReadThatAnOlderDeadlineEndsGoesOn(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	var s socket
	s.init(theirs, pace{})
	_ = s.in.until(time.Now().Add(10 * time.Millisecond))
	read := make(chan error, 1)
	go func() {
		_, err := s.read(make([]byte, 1))
		read <- err
	}()
	eventually(t, "it reads", func() bool { s.in.mu.Lock(); defer s.in.mu.Unlock(); return s.in.reads > 0 })
	_ = s.in.until(time.Now().Add(patient))
	time.Sleep(30 * time.Millisecond) // the older one fires
	_, _ = ours.Write([]byte("x"))
	if err := <-read; err != nil {
		t.Error(err)
	}
}

func TestAllowanceIsASecondForEachRateBytes(t *testing.T) {
	p := pace{rate: 500}
	for bytes, want := range map[int64]time.Duration{0: 0, 250: time.Second / 2, 5000: 10 * time.Second, 1 << 62: 1e18} {
		if got := p.allowance(bytes); got != want {
			t.Errorf("%d bytes are worth %v, want %v", bytes, got, want)
		}
	}
}

// What a client takes early on earns it time, but not to take nothing at all.
func TestDeadlinesOfAWrite(t *testing.T) {
	p := &peer{}
	var s socket
	s.init(p, pace{timeout: 10 * time.Second, rate: 1000})
	now := time.Now()
	for _, test := range []struct {
		began, progress time.Duration // ago
		taken           int64
		want            time.Duration
	}{
		{0, 0, 0, 10 * time.Second},
		{4 * time.Second, 4 * time.Second, 0, 6 * time.Second},
		{4 * time.Second, 0, 2000, 8 * time.Second},
		{4 * time.Second, 0, 1 << 30, 10 * time.Second},
		{40 * time.Second, 3 * time.Second, 1 << 30, 7 * time.Second},
	} {
		s.sending.began, s.sending.progress, s.sending.taken = now.Add(-test.began), now.Add(-test.progress), test.taken
		p.writes = nil
		if err := s.sending.wait(); err != nil || len(p.writes) != 1 || p.writes[0] != test.want {
			t.Errorf("%+v: %v, %v", test, p.writes, err)
		}
	}
}

func TestClientThatLeavesIsNoticed(t *testing.T) {
	for name, leave := range map[string]func(c *client){
		"reset":      func(c *client) { _ = c.below().(*net.TCPConn).SetLinger(0); c.Close() },
		"half-close": func(c *client) { c.halfClose() },
		"nothing":    func(*client) {},
	} {
		t.Run(name, func(t *testing.T) {
			inside, left, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
			s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
				defer close(over)
				close(inside)
				<-left
				gone, finished := false, false
				if name != "nothing" {
					eventually(t, "it is noticed", func() bool { gone, finished = w.(*Writer).Presence(); return gone || finished })
				} else {
					gone, finished = w.(*Writer).Presence()
				}
				if gone != (name == "reset") || finished != (name != "nothing") {
					t.Errorf("gone %v, finished %v", gone, finished)
				}
				sink(w, r)
			})
			c := s.dial(t)
			c.send(get)
			<-inside
			leave(c)
			close(left)
			<-over
			if name != "reset" {
				c.want("GET", 200, "ok")
			}
		})
	}
}

func TestRefusalsAreTold(t *testing.T) {
	s := serve(t, settings(), echo)
	for request, line := range map[string]string{
		"\r\nGET /a HTTP/1.1\r\nX : y\r\n\r\n":                 "GET /a HTTP/1.1",
		"nonsense\r\n\r\n":                                     "nonsense",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello...": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello...",
	} {
		before := len(s.journal.refusals())
		c := s.dial(t)
		c.send(request)
		c.want("GET", 400, "400 Bad Request\n")
		c.ends()
		if got := s.journal.refusals()[before:]; len(got) != 1 || string(got[0].Line) != line || got[0].Status != 400 || got[0].Remote.Port == "" || got[0].Time.IsZero() {
			t.Errorf("%q: %+v", request, got)
		}
	}
	if text := s.journal.String(); strings.Contains(text, "panic") {
		t.Error(text)
	}
}

// The kernel's reset must not overtake an answer that the client did not expect.
func TestAnswerIsReadWhoeverStillSends(t *testing.T) {
	s := serve(t, settings(), func(w http.ResponseWriter, r *http.Request) {
		_ = r.Body.Close()
		w.WriteHeader(413)
		_, _ = io.WriteString(w, repeat("too large ", 1000))
	})
	const each = 1 << 20
	for _, head := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n",
		"GET / HTTP/1.1\r\nX : bad\r\n\r\n",
	} {
		for range 500 { // a thousand in all
			c := s.dial(t)
			go func() { _, _ = io.WriteString(c.Conn, head+repeat("x", each)) }()
			c.answer("POST")
			c.ends()
			c.Close()
		}
	}
}
