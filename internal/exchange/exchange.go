package exchange

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/accesslog"
	"github.com/gowsgi/gowsgi/internal/deadlines"
)

// exchange is one request and its response. One goroutine works on it.
type exchange struct {
	h        *Handler
	w        Wire
	r        *http.Request
	req      *embed.Request // nil until one is acquired
	peer     address        // the other end of the connection
	server   address        // our end of it
	client   address        // whoever has sent the request: the peer, unless that is a proxy
	scheme   string         // that the client used
	port     string         // and its port of us, if a proxy says so
	prefix   string         // of the path, if a proxy has cut it off
	asked    bool           // the request's Host is what a proxy says
	mount    *mount         // nil: the request is for none
	uri      string         // the request's target, as logs may have it
	to       *Secure
	location string // of an answer of ours; empty: none
	start    time.Time
	user     string // who had a password

	status  int
	begun   bool // the response has
	written int64
	length  int64 // of the response, as it says; -1: it does not
	ran     bool  // the application did, to its end
	held    int64 // of the memory for bodies
	tallied bool  // in the figures
	streams bool  // the body is read while the application runs
	upload  *upload
	abort   bool   // the response must not look as if all was well
	ahead   *ahead // nil: it never was
	flight  deadlines.Flight
	flies   bool          // the watcher has it
	body    *countedBody  // nil: none, or nobody wants to know
	number  atomic.Uint64 // in requestID; 0: none yet
	trace   string        // its traceparent; empty: nobody wants to know
	coding
	memory
}

// memory is what an exchange leaves to the next one.
type memory struct {
	fields [][2]string
	blocks [][]byte
	made   []byte // see coding
	entry  accesslog.Entry
	line   []byte // of the access log
}

// mostKept is how many fields and blocks there is memory for afterwards.
const mostKept = 1024

// mostMade is how many bytes of what was encoded there is memory for.
const mostMade = 64 << 10

// reusable is the memory without what was in it.
func (m *memory) reusable() memory {
	if cap(m.fields) > mostKept || cap(m.blocks) > mostKept {
		return memory{line: m.line}
	}
	if cap(m.made) > mostMade {
		m.made = nil
	}
	clear(m.fields)
	clear(m.blocks)
	return memory{fields: m.fields[:0], blocks: m.blocks[:0], made: m.made, line: m.line}
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// exchange serves a request, from its beginning or from where it stands. to: it is to
// be sent to https.
func (h *Handler) exchange(w Wire, r *http.Request, begun *Begun, to *Secure) {
	x := exchanges.Get().(*exchange)
	*x = exchange{h: h, w: w, r: r, to: to, start: time.Now(), length: -1, memory: x.memory}
	x.peer.Host, x.peer.Port = w.Remote()
	x.client = x.peer
	x.server.Host, x.server.Port = w.Local()
	x.uri = accesslog.Target(r.RequestURI)
	fails := true
	defer func() {
		if fails { // the panic goes on
			x.giveUp()
		}
	}()
	if begun == nil {
		x.serve()
	} else {
		x.resume(begun)
	}
	x.leaveBody()
	if x.flight.TimedOut() {
		x.outliveBody()
		x.req = nil
		x.cloneFields() // they may be the request's memory
		h.watcher.Outlive(&x.flight)
	}
	if x.abort {
		w.Abort()
	}
	if h.access != nil {
		x.writeLine() // who has the answer finds its line
	}
	x.count()
	if h.shows {
		x.show()
	}
	if err := w.End(); err != nil && !x.abort {
		x.lose(err)
	}
	fails = false
	if x.req != nil {
		x.req.Release()
	}
	x.letGo()
	x.dropEncoder()
	if x.flight.Kept() {
		w.Keep()
		return
	}
	*x = exchange{memory: x.reusable()}
	exchanges.Put(x)
}

// giveUp lets go of the request after a fault of ours, or of whoever made the
// http.ResponseWriter.
func (x *exchange) giveUp() {
	switch {
	case x.req == nil:
	case x.flies: // Python may have it
		x.outliveBody()
		x.h.watcher.GiveUp(&x.flight)
	default:
		x.req.Release()
	}
	x.letGo()
	x.dropEncoder()
}

// cloneFields has the response's fields outlive the request.
func (x *exchange) cloneFields() {
	for i, field := range x.fields {
		x.fields[i] = [2]string{strings.Clone(field[0]), strings.Clone(field[1])}
	}
}

// serve answers a request from its beginning. Who it is comes first, since all else is
// decided by that; what may be answered to anybody comes before what needs a password.
func (x *exchange) serve() {
	h := x.h
	if why := x.believe(); why != "" {
		x.contradict(why)
		return
	}
	x.choose()
	if x.to != nil && x.prove(x.to) || !x.enters() {
		return
	}
	if x.r.RequestURI == "*" { // OPTIONS: RFC 9110, 9.3.7
		x.answer(http.StatusOK, "")
		return
	}
	if !h.table.Allows(x.r.Host) && !h.own.IsHealth(x.r, x.uri) {
		x.refuse(http.StatusMisdirectedRequest)
		return
	}
	if x.to != nil && x.redirect(x.to) {
		return
	}
	if other, ok := x.w.(*foreign); ok {
		if gone, _ := other.Presence(); gone { // in HTTP/2 a client may take it back at once
			x.status, x.abort = statusClientGone, true
			return
		}
		if status := checkHead(other.r, &h.settings); status != 0 {
			x.refuse(status)
			return
		}
	}
	if own, ours := h.own.Answer(x.r, x.uri, x.peer.Host); ours {
		x.answerItself(own)
		return
	}
	if !x.mayGoOn() {
		return
	}
	if x.serveFile() {
		return
	}
	if x.mount == nil {
		x.refuseAll()
		return
	}
	if limit := x.mount.largest; limit > 0 && x.r.ContentLength > limit {
		x.refuse(http.StatusRequestEntityTooLarge)
		return
	}
	if err := x.submit(); err != nil {
		x.fail(err)
		return
	}
	x.fly()
}
