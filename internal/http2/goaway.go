package http2

import (
	"encoding/binary"
	"math"
	"net"
	"time"
)

// Frames: RFC 9113, 4.1 and 6.
const (
	frameHead = 9 // length: 3 bytes, type, flags, stream: 4

	typeHeaders      = 1
	typePushPromise  = 5
	typeGoAway       = 7
	typeContinuation = 9
	flagEndHeaders   = 4

	noError                = 0
	enhanceYourCalm        = 11
	anyStream       uint32 = math.MaxInt32
)

// frames follows what goes out from frame to frame.
type frames struct {
	head [frameHead]byte
	have int    // of head
	left int    // of the frame that is going out
	any  bool   // one has
	open bool   // it was a part of a field section, and another part follows
	last uint32 // stream that was answered
}

// pass takes note of bytes that have gone out.
func (f *frames) pass(p []byte) {
	for len(p) > 0 {
		if f.left > 0 {
			n := min(f.left, len(p))
			f.left -= n
			p = p[n:]
			continue
		}
		n := copy(f.head[f.have:], p)
		p = p[n:]
		if f.have += n; f.have == frameHead {
			f.begin()
		}
	}
}

func (f *frames) begin() {
	f.have, f.any = 0, true
	f.left = int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2])
	switch f.head[3] {
	case typeHeaders, typePushPromise, typeContinuation:
		f.open = f.head[4]&flagEndHeaders == 0
	}
	f.last = max(f.last, binary.BigEndian.Uint32(f.head[5:])&math.MaxInt32)
}

// between tells whether a frame of somebody else's may go out here. Not before the
// first one, which has the settings (RFC 9113, 3.4).
func (f *frames) between() bool { return f.any && f.have == 0 && f.left == 0 && !f.open }

// goAway is the frame that says which request is the last.
func goAway(last, code uint32) []byte {
	b := []byte{0, 0, 8, typeGoAway, 0, 0, 0, 0, 0}
	b = binary.BigEndian.AppendUint32(b, last)
	return binary.BigEndian.AppendUint32(b, code)
}

// Write writes what the library has to send.
func (c *conn) Write(p []byte) (int, error) {
	c.linger()
	n, err := c.write(p)
	c.tell() // if somebody wanted it meanwhile
	return n, err
}

func (c *conn) write(p []byte) (int, error) {
	c.out.Lock()
	defer c.out.Unlock()
	if c.finished {
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Write(p)
	c.frames.pass(p[:n])
	return n, err
}

// tell tells the client that the connection will end, if that is wanted and can be
// done now. Else whoever writes does it afterwards.
func (c *conn) tell() {
	for c.wanted.Load() && c.out.TryLock() {
		told := !c.finished && c.frames.between()
		if told {
			c.wanted.Store(false)
			c.say(anyStream, noError)
		}
		c.out.Unlock()
		if !told {
			return
		}
	}
}

// say writes a GOAWAY. Lock out: held; frames: between two.
func (c *conn) say(last, code uint32) {
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	frame := goAway(last, code)
	if n, err := c.Conn.Write(frame); err != nil {
		if n > 0 {
			c.finished = true // it can never be made whole
		}
		_ = c.Close()
		return
	}
	c.frames.pass(frame)
	_ = c.SetWriteDeadline(time.Time{})
}

// end ends the connection at once, and says so if that can be done now. False: it
// cannot.
func (c *conn) end(code uint32) bool {
	if !c.out.TryLock() {
		return false
	}
	defer c.out.Unlock()
	if c.finished || !c.frames.between() {
		return false
	}
	c.say(c.frames.last, code)
	c.finished = true
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.Close()
	return true
}

// abandon closes the connection if it is idle, and the kernel has nothing of it. All
// its requests were answered, so the last of these is the last one.
func (c *conn) abandon() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.idle || c.over {
		return false
	}
	if socket, ok := c.Conn.(interface{ HasInput() bool }); ok && socket.HasInput() {
		return false
	}
	if !c.end(noError) {
		return false
	}
	c.idle = false
	return true
}
