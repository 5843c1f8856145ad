package exchange

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/gowsgi/gowsgi/environ"
	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/forwarded"
)

// fillEnviron describes the request; body length apart, which is known once
// the body was read.
//
// False: the request lies outside of its mount.
func (x *exchange) fillEnviron(b *environ.Builder) bool {
	r := x.r
	if !b.Target(r.RequestURI, x.mount.path) {
		return false
	}
	if x.prefix != "" {
		b.Set(environ.ScriptName, x.prefix+x.mount.path)
	}
	b.Set(environ.RequestMethod, r.Method)
	b.Set(environ.ServerProtocol, protocol(r))
	b.Set(environ.URLScheme, x.scheme)
	server := x.server
	if server.Port == "" || x.asked { // a unix socket has no name and port of its own
		server.Host, server.Port = environ.ServerOf(r.Host, x.scheme)
	}
	if x.port != "" {
		server.Port = x.port
	}
	b.Set(environ.ServerName, server.Host)
	b.Set(environ.ServerPort, server.Port)
	if x.r.TLS != nil {
		certs.Variables(x.r.TLS, b.Variable)
	}
	b.Set(environ.RemoteAddr, x.client.Host)
	if x.client.Port != "" {
		b.Set(environ.RemotePort, x.client.Port)
	}
	if r.Host != "" {
		b.Header("Host", []string{r.Host})
	}
	distrusts := x.distrusts()
	for name, values := range r.Header {
		switch {
		case distrusts && forwarded.IsField(name):
		case strings.IndexByte(name, '_') >= 0: // environ.Builder.Header says why
			x.advisePassedOver(name)
		case name != "Content-Length" && x.passesOn(name) && (name != authorization || x.guard().passwords == nil):
			b.Header(name, values)
		}
	}
	x.sayUser(b)
	x.nameIt(b)
	return true
}

// setBodyLength adds CONTENT_LENGTH: the length after decoding of transfer
// codings (RFC 3875, 4.1.2), if it is known.
func setBodyLength(b *environ.Builder, r *http.Request, length int64) {
	if length > 0 || length == 0 && r.Header["Content-Length"] != nil {
		b.Set(environ.ContentLength, strconv.FormatInt(length, 10))
	}
	if length < 0 {
		b.Header("Transfer-Encoding", r.TransferEncoding)
	}
}

// splitClient takes RemoteAddr apart; empty for a unix socket.
func splitClient(remote string) address {
	host, port, err := net.SplitHostPort(remote)
	if err != nil {
		return address{}
	}
	if zone := strings.IndexByte(host, '%'); zone >= 0 {
		host = host[:zone]
	}
	return address{Host: host, Port: port}
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return strings.TrimSpace(v[0])
	}
	return ""
}
