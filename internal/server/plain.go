package server

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
)

// Most requests are plain: HTTP/1.1, a head that came whole, a body that is
// read ahead or none, nothing that asks for a decision (head.go says what
// exactly). Those are answered here, within net/http's Read for the next head,
// and net/http never hears of them; every other head is handed to it as it
// came. So what is plain is strict, what is not is net/http's as before, and a
// connection may change between the two with each request.

// plain is a plain request, and what answers it.
type plain struct {
	request http.Request
	header  http.Header
	values  []string // of all fields of header: memory for its slices
	size    int      // bytes of the head
	body    plainBody
	answer  answer
}

var plains = sync.Pool{New: func() any {
	header := http.Header{}
	return &plain{header: header, answer: answer{header: http.Header{}}}
}}

// release gives pl back, unless a large response would keep memory with it.
func (pl *plain) release() {
	if cap(pl.answer.buf) <= 8*collected && len(pl.answer.header) <= mostFields {
		plains.Put(pl)
	}
}

// plainOff leaves all requests to net/http, for measuring and testing.
func plainOff() bool { return os.Getenv("GOWSGI_PLAIN") == "off" }

// atHead tells whether the next byte read is the first of a head. Lock: held.
func (c *connection) atHead() bool {
	return !c.serving && c.wire.body == notBegun && len(c.wire.head) == 0
}

// readHead answers plain requests until a head comes that is not plain, or not
// whole, and reads that. io.EOF: the connection ends here. Lock: held, but not
// while it waits.
func (c *connection) readHead(p []byte) (n int, err error) {
	for {
		if n == 0 {
			if n, err = c.read(p); err != nil {
				return n, err
			}
		}
		pl := plains.Get().(*plain)
		if !pl.parse(p[:n]) || !pl.isReadAhead(&c.handler.settings) {
			pl.release()
			c.expect(c.handler.settings.HeaderTimeout)
			return n, nil
		}
		rest := pl.takeBody(c, p[pl.size:n])
		if !c.answer(pl) {
			return 0, io.EOF
		}
		n = copy(p, rest)
		c.expect(c.handler.settings.KeepAlive)
	}
}

// expect gives the client so long for what comes next; 0: any time. Lock: held.
func (c *connection) expect(timeout time.Duration) {
	c.want = time.Time{}
	if timeout > 0 {
		c.want = time.Now().Add(timeout)
	}
}

// answer serves a plain request. False: it was the connection's last. Lock:
// held, but not meanwhile.
func (c *connection) answer(pl *plain) (goesOn bool) {
	c.serving, c.declined = true, true
	c.want = time.Time{}
	c.requests++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.serving, c.listening, c.declined = false, false, false
	}()
	pl.request.RemoteAddr = c.remote
	pl.answer.reset(c, pl.request.Method)
	return c.handler.exchange(c, &pl.answer, &pl.request, pl)
}

// isReadAhead tells whether the body, if there is one, is read before the
// application is called: nothing of it can be left when a response goes out.
func (pl *plain) isReadAhead(s *config.Settings) bool {
	length := pl.request.ContentLength
	return length == 0 || length <= int64(s.RequestBuffer) && checkHead(&pl.request, s) == 0
}

// plainBody is the body of a plain request.
type plainBody struct {
	conn  *connection
	ahead []byte // came with the head
	left  int64
}

// takeBody makes what followed the head, or the beginning of it, the request's
// body, and returns what remains of that.
func (pl *plain) takeBody(c *connection, after []byte) (rest []byte) {
	size := pl.request.ContentLength
	ahead := min(size, int64(len(after)))
	pl.body = plainBody{conn: c, ahead: after[:ahead], left: size}
	if size > 0 {
		pl.request.Body = &pl.body
	}
	return after[ahead:]
}

// Read reads more of the body; io.EOF comes with its last byte.
func (b *plainBody) Read(p []byte) (n int, err error) {
	p = p[:min(int64(len(p)), b.left)]
	if n = copy(p, b.ahead); n > 0 {
		b.ahead = b.ahead[n:]
	} else if n, err = b.conn.receive(p); errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if b.left -= int64(n); b.left == 0 {
		err = io.EOF
	}
	return n, err
}

// Close does nothing: who leaves something unread ends the connection.
func (b *plainBody) Close() error { return nil }

// receive is Read for a plain request's body. Lock: not held.
func (c *connection) receive(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next(p)
}

// endPlain sends what is left of the answer to a plain request.
func (x *exchange) endPlain() {
	if x.plain == nil || x.abort {
		return
	}
	if err := x.plain.answer.end(); err != nil {
		x.lose(err)
	}
}
