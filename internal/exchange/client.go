package exchange

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/forwarded"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/proxies"
)

// newReader makes the reader of what proxies say.
func newReader(s *config.Settings) (*forwarded.Reader, error) {
	peers, err := proxies.Parse(s.ForwardedAllowIPs)
	if err != nil {
		return nil, err
	}
	fields, err := forwarded.Parse(s.ForwardedFields)
	if err != nil {
		return nil, err
	}
	return forwarded.NewReader(peers, fields), nil
}

// believe finds out who the client is and what it asked for, as far as the peer is
// believed: from here on, RemoteAddr and Host of the request say so. why: what the
// peer says cannot be, and the answer is a 400.
func (x *exchange) believe() (why string) {
	x.client = x.peer
	said, why := x.h.forwarded.Read(forwarded.Address(x.peer), x.ownScheme(), x.r.Header)
	x.scheme, x.port, x.prefix = said.Scheme, said.Port, said.Prefix
	if why != "" {
		return why
	}
	if !said.Named && said.Host == "" {
		return ""
	}
	if _, own := x.w.(*foreign); own { // else it is ours until it is over
		r := *x.r
		x.r = &r
	}
	if said.Named {
		x.client = address(said.Client)
		x.r.RemoteAddr = textOf(x.client)
	}
	if said.Host != "" {
		x.r.Host, x.asked = said.Host, true
	}
	return ""
}

// textOf is an address as logs have it.
func textOf(a address) string {
	if a.Port == "" {
		return a.Host
	}
	return net.JoinHostPort(a.Host, a.Port)
}

// contradict answers a proxy that cannot be believed.
func (x *exchange) contradict(why string) {
	if held, ok := x.h.contradictions.Pass(x.start, 1); ok {
		x.LogRequest(slog.LevelWarn, why, "request.malformed",
			append([]any{"fields", forwarded.Text(x.r.Header)}, logging.Suppressed(held)...)...)
	}
	x.refuse(http.StatusBadRequest)
}

// Words of forwarded_untrusted.
const (
	keepUntrusted   = "keep"
	removeUntrusted = "remove"
)

// removes tells whether what peers say who are not believed does not reach the
// application.
func (h *Handler) removes(tls bool) bool {
	switch h.settings.ForwardedUntrusted {
	case keepUntrusted:
		return false
	case removeUntrusted:
		return true
	default:
		return tls // where we end it there is no proxy in front that the application knows of
	}
}

// distrusts tells whether what the request says of whom it was passed on for is to be
// left out of the environ; and tells the operator of a peer, once, that it was not
// believed.
func (x *exchange) distrusts() bool {
	speaks := false
	for name := range x.r.Header {
		if forwarded.IsField(name) {
			speaks = true
			break
		}
	}
	if !speaks || x.h.forwarded.Peers().Trusts(x.peer.Host) {
		return false
	}
	removes := x.h.removes(x.r.TLS != nil)
	if x.h.strangers.Meet(x.peer.Host) {
		x.logStranger(removes)
	}
	return removes
}

func (x *exchange) logStranger(removes bool) {
	held, ok := x.h.strange.Pass(time.Now(), 1)
	if !ok {
		return
	}
	peer, handling := x.peer.Host, "kept"
	if peer == "" {
		peer = proxies.Unix
	}
	if removes {
		handling = "removed"
	}
	x.LogRequest(slog.LevelInfo, "what a peer says of its clients is not believed: if it is a proxy of yours, add it to forwarded_allow_ips",
		"proxy.not_believed", append([]any{"peer", peer, "fields", forwarded.Text(x.r.Header), "handling", handling}, logging.Suppressed(held)...)...)
}

// Trusts tells whether what a peer says of others is believed, and if not, whether
// there is no need to look at it.
func (h *Handler) Trusts(peer string, tls bool) (trusted, heard bool) {
	if h.forwarded.Peers().Trusts(peer) {
		return true, true
	}
	return false, !h.removes(tls) && h.strangers.Know(peer)
}

// Forwarded is how what proxies say is read.
func (h *Handler) Forwarded() *forwarded.Reader { return h.forwarded }

// ownScheme is what the client has used, as far as the connection knows.
func (x *exchange) ownScheme() string {
	if x.r.TLS != nil {
		return "https"
	}
	return "http"
}
