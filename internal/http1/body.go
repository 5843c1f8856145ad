package http1

import (
	"errors"
	"io"
	"sync"
)

// body is the body of a request: counted or chunked. A client that leaves before
// its end is an error, whatever was announced.
type body struct {
	conn    *conn
	turn    *turn
	state   input // inBody, inDone or inBroken; the reader's
	chunked bool
	left    int64  // of a counted one
	chunks  Chunks // of a chunked one
	piece   []byte // of it, decoded and not yet read
	err     error  // what Read says from now on

	// With Expect: 100-continue the body's reader and the response's writer have
	// to agree who speaks first.
	asks   bool // the reader's: it has not looked yet
	mu     sync.Mutex
	waits  bool // nobody has said 100
	begun  bool // the final answer has
	closed bool // nobody reads any more
	broken bool // reading failed
}

func (b *body) begin(c *conn, t *turn) {
	h := &t.head
	*b = body{conn: c, turn: t, chunked: h.Chunked, left: h.Length, asks: h.Continue, waits: h.Continue, state: inBody}
	if h.Length == 0 {
		b.state = inDone
	}
}

// Read reads more of the body; io.EOF comes with the last byte if that is known.
// One goroutine at a time.
func (b *body) Read(p []byte) (n int, err error) {
	if b.asks {
		if err := b.sayContinue(); err != nil {
			return 0, err
		}
	}
	switch {
	case b.err != nil:
		return 0, b.err
	case b.state == inDone:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	case b.chunked:
		n, err = b.readChunked(p)
	default:
		n, err = b.readCounted(p)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
		b.mu.Lock()
		b.broken = true
		b.mu.Unlock()
	}
	return n, err
}

func (b *body) readCounted(p []byte) (n int, err error) {
	p = p[:min(int64(len(p)), b.left)]
	c := b.conn
	if n = copy(p, c.in); n > 0 {
		c.in = c.in[n:]
	} else if n, err = c.read(p); err != nil {
		return n, b.cut(err)
	}
	if b.left -= int64(n); b.left == 0 {
		b.state = inDone
		return n, io.EOF
	}
	return n, nil
}

func (b *body) readChunked(p []byte) (n int, err error) {
	c := b.conn
	for len(b.piece) == 0 {
		piece, used, done, err := b.chunks.Next(c.in, &c.server.config.Limits)
		if err != nil {
			b.state = inBroken
			return 0, err
		}
		c.in, b.piece = c.in[used:], piece
		switch {
		case done:
			b.state = inDone
			return 0, io.EOF
		case len(piece) > 0:
		case used > 0 && len(c.in) > 0:
		default:
			if err := c.moreBody(); err != nil {
				return 0, b.cut(err)
			}
		}
	}
	n = copy(p, b.piece)
	b.piece = b.piece[n:]
	return n, nil
}

// bodyRoom is how much of a chunked body is read at once.
const bodyRoom = 32 << 10

// moreBody is more for a chunked body, of which nothing is left to be decoded.
func (c *conn) moreBody() error {
	if cap(c.memory) < bodyRoom {
		c.move(bodyRoom)
	}
	if len(c.in) == 0 {
		c.in = c.memory[:0]
	}
	return c.more(bodyRoom)
}

// cut is the error of a read of which the body is not whole.
func (b *body) cut(err error) error {
	if errors.Is(err, io.EOF) {
		b.state = inBroken
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close says that nobody reads the rest.
func (b *body) Close() error {
	b.close()
	return nil
}

func (b *body) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// sayContinue lets the client send the body, unless it has its answer.
func (b *body) sayContinue() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asks = false
	if b.begun || !b.waits {
		return nil
	}
	b.waits = false
	_, err := b.conn.send([]byte("HTTP/1.1 100 Continue\r\n\r\n"), nil, "")
	return err
}

// answer is called when the final answer begins. False: the connection ends with
// it, for the client may or may not send the body now, or there is too much of
// it left, or nobody knows where it ends.
func (b *body) answer() (reuse bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun = true
	return !b.waits && !b.broken && (!b.closed || b.isSmall())
}

// input is where the request stands. Nobody reads any more.
func (b *body) input() input {
	switch {
	case b.waits:
		return inContinue
	case b.err != nil:
		return inBroken
	}
	return b.state
}

// isSmall tells whether the rest may be read and thrown away.
func (b *body) isSmall() bool {
	return b.err == nil && (b.state == inDone || b.chunked || b.left <= mostRest)
}

var _ io.ReadCloser = (*body)(nil)

// IsMalformed tells whether a body could not be read because it breaks the rules.
func IsMalformed(err error) bool {
	_, ok := errors.AsType[*Refusal](err)
	return ok
}
