package server

import (
	"cmp"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/exchange"
	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// Protocols are those that clients with TLS can have (ALPN), of http_protocols. HTTP/1.0
// has a name of its own, and some of its clients offer no other: curl --http1.0.
func Protocols(list []string) (names []string) {
	for _, item := range list {
		names = append(names, map[string][]string{"h2": {"h2"}, "h1": {"http/1.1", "http/1.0"}}[item]...)
	}
	return names
}

// Secure says what TLS is spoken with, where listeners want it. Before Start; nil is
// for nothing.
func (s *Server) Secure(store *certs.Store) { s.secure = store }

// door is how what comes by a listener is served.
func (s *Server) door(l *Listener, redirect http.Handler) (d http1.Door) {
	switch {
	case l.TLS && s.secure != nil:
		d.TLS = s.secure.Config
	case l.Redirects:
		d.Handler = redirect
	}
	return d
}

// redirect is what sends clients to https; nil: there is no application, so that
// everybody gets to know why.
func (s *Server) redirect(listeners []Listener) http.Handler {
	if s.handler == nil || s.secure == nil {
		return nil
	}
	to := exchange.Secure{Covers: s.secure.Covers, Proof: func(host, path string) string {
		if proof := s.secure.Proof(host, path); proof != nil {
			return proof.Text
		}
		return ""
	}}
	for _, l := range listeners {
		_, port, _ := net.SplitHostPort(l.Addr().String()) // a unix socket has none
		switch {
		case l.Redirects:
			to.Plain = port
		case l.TLS && to.Port == "":
			to.Port = port
		}
	}
	to.Port = cmp.Or(to.Port, "443")
	return s.handler.Redirect(to)
}

// handshakes takes note of handshakes.
type handshakes struct {
	log    *slog.Logger
	counts *tally.Figures // nil: nobody wants to know
	ration logging.Ration
}

func (h *handshakes) note(shake *http1.Handshake) {
	kind := tally.FullHandshake
	switch {
	case shake.Err != nil:
		kind = tally.FailedHandshake
	case shake.Resumed:
		kind = tally.ResumedHandshake
	}
	if h.counts != nil {
		tally.Add(&h.counts.Handshakes[kind], 1)
	}
	if shake.Err == nil {
		return
	}
	if held, ok := h.ration.Pass(time.Now(), 1); ok {
		h.log.Info("a client that was to speak TLS did not come to terms", append([]any{
			"event", "tls.handshake_failed", "reason", strings.TrimPrefix(shake.Err.Error(), "tls: "),
			"client", net.JoinHostPort(shake.Remote.Host, shake.Remote.Port),
		}, logging.Suppressed(held)...)...)
	}
}
