package exchange

import (
	"net/http"
	"slices"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/accesslog"
	"github.com/gowsgi/gowsgi/internal/forwarded"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// Begun is a request that somebody else has submitted, and that an exchange is to
// answer from where it stands.
type Begun struct {
	Request  *embed.Request
	Number   uint64    // in its name; 0: a proxy gave it one
	Start    time.Time // when it came
	BodySize int64     // bytes; it was read
	Counted  bool      // in the figures

	Answered bool  // the response has begun, and the Wire knows of it
	Length   int64 // of the response then, as it says; -1: it does not
	Written  int64 // bytes of its body that the Wire has
}

// Resume answers a request that has begun elsewhere.
func (h *Handler) Resume(w Wire, r *http.Request, begun *Begun) { h.exchange(w, r, begun, nil) }

func (x *exchange) resume(b *Begun) {
	x.start, x.req = b.Start, b.Request
	x.number.Store(b.Number)
	x.tallied = b.Counted
	_ = x.believe() // the lane takes no request that cannot be
	x.req.Relabel(x)
	x.mount = &x.h.mounts[x.req.Application()]
	if b.BodySize > 0 && (x.h.access != nil || x.h.counts() != nil) {
		x.body = &countedBody{}
		x.body.read.Store(b.BodySize)
	}
	if b.Answered {
		x.begun, x.status, x.length, x.written = true, x.req.Status(), b.Length, b.Written
		x.fields = x.req.Fields(x.fields[:0])
	}
	x.req.Wake() // what has happened so far rang no bell
	x.fly()
}

// Ended is a request that was answered elsewhere, for the access log.
type Ended struct {
	accesslog.Entry
	Number      uint64 // in its name; 0: a proxy gave it one
	Trusted     bool   // the peer is a proxy that is believed
	Application int    // its number
}

// namedByNumber are the names of requests that have only a number.
type namedByNumber struct {
	h      *Handler
	number uint64
}

func (n *namedByNumber) AppendID(b []byte) []byte { return n.h.ids.append(b, n.number) }

// Record writes the access-log line of a request that was answered elsewhere. r is
// its head; of e what a head does not say is set, and Client and Scheme are the peer's.
func (h *Handler) Record(r *http.Request, e *Ended) {
	e.Named = &namedByNumber{h, e.Number}
	if id := first(r.Header, "X-Request-Id"); e.Trusted && isRequestID(id) {
		e.ID = id
	}
	e.Method, e.URI, e.Proto, e.Host, e.Header = r.Method, accesslog.Target(r.RequestURI), r.Proto, r.Host, r.Header
	e.Mount = h.names[e.Application]
	secure := e.Scheme == "https"
	said, _ := h.forwarded.Read(forwarded.Address(e.Client), e.Scheme, r.Header)
	e.Client, e.Scheme = accesslog.Address(said.Client), said.Scheme
	if said.Host != "" {
		e.Host = said.Host
	}
	e.Fields = h.edits.Apply(e.Fields)
	if name := h.settings.RequestIDHeader; name != "" && !hasField(e.Fields, name) {
		id := e.ID
		if id == "" {
			id = string(e.Named.AppendID(nil))
		}
		e.Fields = append(e.Fields, [2]string{name, id})
	}
	if field := h.SecureField(); field[0] != "" && secure && !hasField(e.Fields, field[0]) {
		e.Fields = append(e.Fields, field)
	}
	h.access.Write(&e.Entry, nil)
}

// BeforeLines has flush called before each line of the access log that is not written
// by Record, so that they stand in their order. Before the first request.
func (h *Handler) BeforeLines(flush func()) { h.before = flush }

// Lost counts lines of the access log that could not be kept.
func (h *Handler) Lost(n int64) {
	if f := h.counts(); f != nil {
		tally.Add(&f.LostLines, uint64(n))
	}
}

// IDs are the names of requests: a prefix, and the number of the last.
func (h *Handler) IDs() (prefix string, last *Counter) { return h.ids.prefix, h.ids.last }

// ShowsAll tells whether each request has to be looked at by a goroutine: for the log,
// or because the settings ask for something in it that only an exchange does.
func (h *Handler) ShowsAll() bool {
	return h.shows || h.settings.Traceparent || h.settings.ServerTiming || h.limiter != nil ||
		!slices.ContainsFunc(h.mounts, func(m mount) bool { return m.guard.isOpen() })
}
