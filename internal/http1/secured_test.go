package http1

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// borrower is a lane that does nothing by itself.
type borrower struct {
	given chan *Parked
	open  atomic.Int64
}

func (b *borrower) Give(p *Parked) bool {
	b.open.Add(1)
	b.given <- p
	return true
}

func (b *borrower) Count() (open, idle, secure int, served int64) {
	return int(b.open.Load()), 0, int(b.open.Load()), 0
}
func (b *borrower) Spare(int) int { return 0 }
func (b *borrower) Drain()        {}

// lent is a connection with TLS that a lane has.
type lent struct {
	*serving
	*Parked
	lane   *borrower
	t      *testing.T
	client *client
	below  *torn
}

// torn is what TLS of a client is written to; if at is not 0, only so many bytes of the
// next write, and the others later.
type torn struct {
	net.Conn
	at    int
	later []byte
}

func (c *torn) Write(p []byte) (int, error) {
	if c.at == 0 {
		return c.Conn.Write(p)
	}
	c.later, c.at = append([]byte(nil), p[c.at:]...), 0
	if _, err := c.Conn.Write(p[:len(p)-len(c.later)]); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *torn) rest() { _, _ = c.Conn.Write(c.later) }

func lend(t *testing.T, version uint16) *lent {
	t.Helper()
	b := &borrower{given: make(chan *Parked, 10)}
	c := settings()
	c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || r.TLS.Version != version {
			t.Errorf("TLS: %v", r.TLS)
		}
		_, _ = io.WriteString(w, "by Go "+r.RequestURI)
	})
	s := secureDoorTo(t, c, b, "http/1.1")
	raw, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	_ = raw.SetDeadline(time.Now().Add(patient))
	below := &torn{Conn: raw}
	config := s.secure.Clone()
	config.MaxVersion = version
	secure := tls.Client(below, config)
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	l := &lent{serving: s, lane: b, t: t, below: below, client: &client{Conn: secure, t: t, r: bufio.NewReader(secure)}}
	l.next()
	return l
}

// next waits until the lane has the connection.
func (l *lent) next() {
	l.t.Helper()
	select {
	case l.Parked = <-l.lane.given:
	case <-time.After(patient):
		l.t.Fatal("the lane does not get it")
	}
}

// read reads what the socket has, and opens it.
func (l *lent) read() (text string, quiet bool) {
	l.t.Helper()
	polled := []unix.PollFd{{Fd: int32(l.FD), Events: unix.POLLIN}}
	_, _ = unix.Poll(polled, int(patient/time.Millisecond))
	raw, to := make([]byte, 64<<10), make([]byte, 64<<10+OpenRoom)
	n, err := unix.Read(l.FD, raw)
	if err != nil {
		l.t.Fatal(err)
	}
	size, quiet := l.TLS.Open(raw[:n], to)
	clear(raw) // nothing is kept of it
	return string(to[:size]), quiet
}

// readAll reads until there is something that is not for a lane.
func (l *lent) readAll() (text string, quiet bool) {
	l.t.Helper()
	text, quiet = l.read()
	for deadline := time.Now().Add(patient); quiet && time.Now().Before(deadline); {
		var more string
		more, quiet = l.read()
		text += more
	}
	return text, quiet
}

// back gives the connection back.
func (l *lent) back(h *Handed) {
	h.Parked = *l.Parked
	l.Adopt(h)
	l.lane.open.Add(-1)
}

const asksLane = "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"

var versions = []uint16{tls.VersionTLS12, tls.VersionTLS13}

// What a lane has not sent of its answer is sent once the connection is a goroutine's
// again, whether it was made into records or not, and nothing of it twice.
func TestWhatALaneHasLeftIsSent(t *testing.T) {
	for _, version := range versions {
		for i, size := range []int{0, 10, 3_000, 100_000} {
			for _, room := range []int{200_000, size} { // the second has none for what is around
				l := lend(t, version)
				request := fmt.Sprintf(asksLane, i)
				_, _ = io.WriteString(l.client.Conn, request)
				if got, quiet := l.read(); got != request || !quiet {
					t.Fatalf("%q, %v", got, quiet)
				}
				body := strings.Repeat("b", size)
				head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
				blocks := l.TLS.Blocks(2)
				blocks[0], blocks[1] = []byte(head), []byte(body)
				var to []byte // nil: C has no memory
				if room > 0 {
					to = make([]byte, room)
				}
				n, ok := l.TLS.Seal(blocks, to)
				l.TLS.Forget()
				if ok != (room > size) {
					t.Fatalf("%d bytes in %d: %d, %v", size, room, n, ok)
				}
				rest := append([]byte(nil), to[:n]...)
				clear(to)
				if sent, err := unix.Write(l.FD, rest[:n/2]); err != nil || sent != n/2 {
					t.Fatal(sent, err)
				}
				l.back(&Handed{Kind: Runs, Head: []byte(request), Resume: func(*Writer, *http.Request) {}, Answer: Answer{
					Begun: true, Ended: true, Reuse: true, Status: 200, Declared: int64(size), Written: int64(size), HeadSize: len(head), Rest: rest[n/2:],
				}})
				l.client.want("GET", 200, body)
				l.next()
				l.back(&Handed{Kind: Ends})
				l.client.ends()
			}
		}
	}
}

// A record that is not whole, and whatever comes behind a request, is the goroutine's.
func TestHalfARecordIsNoLanes(t *testing.T) {
	for _, version := range versions {
		for _, at := range []int{1, 4, 5, 6, 30} {
			l := lend(t, version)
			l.below.at = at
			_, _ = fmt.Fprintf(l.client.Conn, asksLane, 1)
			if got, quiet := l.read(); got != "" || quiet {
				t.Fatalf("%q, %v of %d bytes", got, quiet, at)
			}
			l.back(&Handed{Kind: Waits})
			l.below.rest()
			l.client.want("GET", 200, "by Go /1")
			l.next()

			// A whole one, and half of another: who has answered the first gives it back.
			_, _ = fmt.Fprintf(l.client.Conn, asksLane, 2)
			l.below.at = at
			_, _ = fmt.Fprintf(l.client.Conn, asksLane, 3)
			first := fmt.Sprintf(asksLane, 2)
			got, quiet := l.readAll()
			if got != first || quiet {
				t.Fatalf("%q, %v", got, quiet)
			}
			l.back(&Handed{Kind: Reads, In: []byte(got)})
			l.client.want("GET", 200, "by Go /2")
			l.below.rest()
			l.client.want("GET", 200, "by Go /3")
			l.next()
			l.back(&Handed{Kind: Ends})
			l.client.ends()
		}
	}
}

// An end is told to both: the client that says so hears it, and one that is cut off by
// a lane does not take it for a truncation.
func TestEndsAreTold(t *testing.T) {
	for _, version := range versions {
		l := lend(t, version)
		_ = l.client.Conn.(*tls.Conn).CloseWrite()
		if got, quiet := l.read(); got != "" || quiet {
			t.Fatalf("%q, %v", got, quiet)
		}
		l.back(&Handed{Kind: Waits})
		l.client.ends()

		l = lend(t, version)
		l.back(&Handed{Kind: Ends})
		l.client.ends()

		l = lend(t, version)
		_, _ = io.WriteString(l.below.Conn, "\x17\x03\x03\x00\x20"+strings.Repeat("x", 32))
		if got, quiet := l.read(); got != "" || quiet {
			t.Fatalf("%q, %v", got, quiet)
		}
		l.back(&Handed{Kind: Waits})
		if _, err := l.client.r.ReadByte(); err == nil || !strings.Contains(err.Error(), "bad record MAC") {
			t.Errorf("who has sent nonsense hears %v", err)
		}
	}
}

// A lane that does not take a connection has not changed it.
func TestALaneThatTakesNothing(t *testing.T) {
	l := lend(t, tls.VersionTLS13)
	for i := range MostVisits + 2 {
		_, _ = fmt.Fprintf(l.client.Conn, asksLane, i) // first: a connection that has nothing goes back at once
		l.back(&Handed{Kind: Waits})
		l.client.want("GET", 200, fmt.Sprintf("by Go /%d", i))
		if i+1 >= MostVisits {
			break // it stays
		}
		l.next()
		l.Visits = i + 1
	}
	_, _ = fmt.Fprintf(l.client.Conn, asksLane, 99)
	l.client.want("GET", 200, "by Go /99")
	// Whoever has given it to the lane counts it until then, too.
	eventually(t, "it is one connection, with TLS", func() bool {
		open, _, secure := l.Count()
		return open == 1 && secure == 1
	})
}

// An answer that cannot be made into records, since its client has broken TLS meanwhile,
// is none that was given; and the client hears why.
func TestAnAnswerThatCannotBeSealedIsLost(t *testing.T) {
	for _, version := range versions {
		l := lend(t, version)
		request := fmt.Sprintf(asksLane, 1)
		_, _ = io.WriteString(l.client.Conn, request)
		_, _ = io.WriteString(l.below.Conn, "\x17\x03\x03\x00\x20"+strings.Repeat("x", 32))
		got, quiet := l.readAll()
		if got != request || quiet {
			t.Fatalf("%q, %v", got, quiet)
		}
		head := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
		blocks := l.TLS.Blocks(1)
		blocks[0] = []byte(head)
		if n, ok := l.TLS.Seal(blocks, make([]byte, 2000)); ok {
			t.Fatalf("%d bytes of records", n)
		}
		l.TLS.Forget()
		ended := make(chan error, 1)
		l.back(&Handed{Kind: Runs, Head: []byte(request), Resume: func(w *Writer, _ *http.Request) { ended <- w.End() }, Answer: Answer{
			Begun: true, Ended: true, Reuse: true, Status: 200, HeadSize: len(head),
		}})
		if err := <-ended; err == nil {
			t.Error("it passes for one that was sent")
		}
		if _, err := l.client.r.ReadByte(); err == nil || !strings.Contains(err.Error(), "bad record MAC") {
			t.Errorf("who has sent nonsense hears %v", err)
		}
	}
}
