package load

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// After a refused connection: to count thousands of them says no more than one.
const refusedPause = 10 * time.Millisecond

// client sends one request after the other. Everything but tallies belongs to
// its goroutine.
type client struct {
	load    *Load
	number  int
	traffic Traffic
	body    []byte
	sum     uint32   // of body
	session *session // nil: HTTP/1.1

	count  int      // requests so far
	conn   net.Conn // nil: to be made
	reader *bufio.Reader
	total  int64 // bytes written over conn
	worker int   // that answered last over conn; 0: none yet

	mu      sync.Mutex // guards what follows
	tallies []Window   // by window
	last    int        // the worker that answered last
	began   time.Time  // the present request; zero: there is none
}

func newClient(l *Load, number int, traffic Traffic) *client {
	if traffic.Patience == 0 {
		traffic.Patience = 30 * time.Second
	}
	c := &client{load: l, number: number, traffic: traffic, body: make([]byte, traffic.Body)}
	for i := range c.body {
		c.body[i] = byte(rand.Uint32())
	}
	c.sum = crc32.ChecksumIEEE(c.body)
	return c
}

// run sends requests until the load is stopped, or turned away while the
// server stops.
func (c *client) run() {
	defer c.hangUp()
	for c.think() {
		if c.conn != nil && ended(c.conn) {
			c.hangUp()
			c.tally(func(w *Window) { w.Reopened++ })
		}
		began := time.Now()
		c.begin(began)
		answer, failure := c.request()
		took := time.Since(began)
		c.begin(time.Time{})
		if failure == nil {
			c.tally(func(w *Window) {
				w.answered(answer, took)
				c.last = answer.worker
			})
			continue
		}
		c.hangUp()
		// As late as possible: it must have been set before the signal was sent.
		if c.load.stopping.Load() && (failure.Kind == Refused || failure.Kind == Raced) {
			c.tally(func(w *Window) { w.TurnedAway++ })
			return
		}
		c.tally(func(w *Window) { w.failed(*failure) })
		if failure.Kind == Refused {
			c.load.pause(refusedPause)
		}
	}
}

// begin notes when the present request began.
func (c *client) begin(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = at
}

// think waits as long as the traffic says, and returns whether to go on.
func (c *client) think() bool {
	if c.traffic.Think == 0 {
		return !c.load.ending.Load()
	}
	// From half of it to one and a half, so that clients do not march in step.
	return c.load.pause(c.traffic.Think/2 + rand.N(c.traffic.Think))
}

// tally changes the numbers of the present window.
func (c *client) tally(change func(w *Window)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	present := int(c.load.present.Load())
	for len(c.tallies) <= present {
		c.tallies = append(c.tallies, newWindow(""))
	}
	change(&c.tallies[present])
}

func (c *client) hangUp() {
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn, c.worker, c.total = nil, 0, 0
}

// answer is what a right answer tells of itself.
type answer struct {
	edition string
	worker  int
}

// request sends one and reads the answer. After a failure the connection is of
// no more use.
func (c *client) request() (answer, *Failure) {
	if c.session != nil {
		return c.requestByStream()
	}
	fail := func(kind Kind, format string, args ...any) (answer, *Failure) {
		return answer{}, &Failure{
			Kind: kind, Traffic: c.traffic.Name, Worker: c.worker,
			Text: fmt.Sprintf("client %d, request %d: ", c.number, c.count) + fmt.Sprintf(format, args...),
		}
	}
	c.count++
	if c.conn == nil {
		conn, err := net.DialTimeout(c.load.network, c.load.address, c.traffic.Patience)
		if err != nil {
			return fail(Refused, "%v", err)
		}
		if c.load.secure != nil {
			secure := tls.Client(conn, c.load.secure)
			_ = conn.SetDeadline(time.Now().Add(c.traffic.Patience))
			if err := secure.Handshake(); err != nil {
				return fail(Refused, "handshake: %v", err)
			}
			conn = secure
		}
		c.conn, c.reader = conn, bufio.NewReader(conn)
		c.tally(func(w *Window) { w.Connections++ })
	}
	_ = c.conn.SetDeadline(time.Now().Add(c.traffic.Patience)) // of an open connection
	id := fmt.Sprintf("%d-%d", c.number, c.count)
	text := c.compose(id)
	n, err := c.conn.Write(text)
	c.total += int64(n)
	if err != nil {
		return fail(unsent(err, n > 0), "write: %v", err)
	}
	if _, err := c.reader.Peek(1); err != nil {
		return fail(unanswered(err, accepted(c.conn, c.total, int64(len(text)))), "before an answer: %v", err)
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return fail(unfinished(err), "within the head of an answer: %v", err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return fail(unfinished(err), "after %d bytes of an answer: %v", len(body), err)
	}
	if response.StatusCode != http.StatusOK {
		return fail(Status, "%s: %.200q", response.Status, body)
	}
	got, err := c.check(id, string(body))
	switch {
	case err != nil:
		return fail(Wrong, "%v", err)
	case c.reader.Buffered() > 0:
		return fail(Wrong, "%d bytes after the answer", c.reader.Buffered())
	}
	c.worker = got.worker
	if response.Close {
		c.hangUp()
	}
	return got, nil
}

// compose is the whole request.
func (c *client) compose(id string) []byte {
	method, length := "GET", ""
	if len(c.body) > 0 {
		method, length = "POST", fmt.Sprintf("Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", len(c.body))
	}
	head := fmt.Sprintf("%s /lossless?id=%s&blocks=%d&pause=%g HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
		method, id, c.traffic.Blocks, c.traffic.Pause.Seconds(), length)
	return append([]byte(head), c.body...)
}

// check reads an answer: id, edition, worker, length and checksum of the
// request's body, and then as many lines as were asked for.
func (c *client) check(id, body string) (got answer, err error) {
	head, rest, _ := strings.Cut(body, "\n")
	fields := strings.Fields(head)
	if len(fields) != 5 {
		return got, fmt.Errorf("not an answer: %.200q", body)
	}
	want := []string{id, fields[1], fields[2], strconv.Itoa(len(c.body)), fmt.Sprintf("%08x", c.sum)}
	if strings.Join(fields, " ") != strings.Join(want, " ") {
		return got, fmt.Errorf("answer %q, want %q", fields, want)
	}
	var lines strings.Builder
	for i := range c.traffic.Blocks {
		fmt.Fprintf(&lines, "%s %d\n", id, i)
	}
	if rest != lines.String() {
		return got, fmt.Errorf("blocks %.200q, want %.200q", rest, lines.String())
	}
	got.edition = fields[1]
	got.worker, err = strconv.Atoi(fields[2])
	return got, err
}
