package exchange

import (
	"net/http"
	"time"

	"github.com/gowsgi/gowsgi/internal/accesslog"
)

// writeLine writes the line of the access log.
func (x *exchange) writeLine() {
	if x.h.before != nil {
		x.h.before()
	}
	e := &x.entry
	*e = accesslog.Entry{
		Time: x.start, Took: time.Since(x.start), ID: x.sentID(), Named: x, Client: x.client, Server: x.server,
		Method: x.r.Method, URI: x.uri, Proto: protocol(x.r), Host: x.r.Host, Scheme: x.scheme, Mount: x.mountName(), Header: x.r.Header,
		Asked: x.guard().passwords != nil, User: x.user,
		Status: x.status, Fields: x.fields, Length: x.length, BytesIn: x.bytesIn(), BytesOut: x.written,
		HeadIn: x.w.HeadSize(), HeadOut: x.w.HeadsOut(), Before: x.w.RequestsBefore(), Closes: x.w.Closes(), Broken: x.abort,
		Ran: x.ran,
	}
	if x.ran {
		e.Queued, e.Inside = x.req.Times()
		e.GIL, e.Thread = x.req.GILWait(), x.req.Thread()
	}
	x.line = x.h.access.Write(e, x.line)
}

// protocol is the request's, for SERVER_PROTOCOL and the access log. From HTTP/2 on
// there are no minor versions (RFC 9110, 2.5); net/http writes HTTP/2.0.
func protocol(r *http.Request) string {
	switch r.ProtoMajor {
	case 2:
		return "HTTP/2"
	case 3:
		return "HTTP/3"
	}
	return r.Proto
}
