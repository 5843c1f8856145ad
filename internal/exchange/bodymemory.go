package exchange

import "sync/atomic"

// memoryLimit is how much memory the bodies of all requests may have together
// (request_memory). A connection costs a client nothing, so what one may have is no
// limit to what all have.
type memoryLimit struct {
	most int64
	used atomic.Int64
}

func (m *memoryLimit) take(bytes int64) bool {
	if m.used.Add(bytes) <= m.most {
		return true
	}
	m.used.Add(-bytes)
	return false
}

func (m *memoryLimit) give(bytes int64) { m.used.Add(-bytes) }

// hold has the exchange have so much memory for its body. False: it has as much as
// before.
func (x *exchange) hold(bytes int64) bool {
	more := bytes - x.held
	if more > 0 && !x.h.bodies.take(more) {
		return false
	}
	x.held = max(x.held, bytes)
	return true
}

// letGo says that the exchange's body has no memory any more.
func (x *exchange) letGo() {
	if x.held > 0 {
		x.h.bodies.give(x.held)
		x.held = 0
	}
}

// outliveBody leaves that to who releases the request.
func (x *exchange) outliveBody() {
	if held := x.held; held > 0 {
		h := x.h
		x.req.OnBodyDropped(func() { h.bodies.give(held) })
		x.held = 0
	}
}
