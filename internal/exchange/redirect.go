package exchange

import (
	"net"
	"net/http"
	"strconv"
	"strings"
)

// acmePath is where who asks for a certificate shows that it has the host (RFC 8555,
// 8.3): there is none yet, so it cannot be asked there by https.
const acmePath = "/.well-known/acme-challenge/"

// Secure says how hosts are reached by https.
type Secure struct {
	Covers func(host string) bool         // there is a certificate for it
	Proof  func(host, path string) string // what who certifies it finds below acmePath; empty: the application knows
	Port   string                         // of https
	Plain  string                         // the port that redirects
}

// Redirect is a Handler that sends clients to https, with the same host and target.
func (h *Handler) Redirect(to Secure) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if own, ok := w.(Wire); ok {
			h.exchange(own, r, nil, &to)
		}
	})
}

// prove answers who certifies, if it looks for a proof that there is at the moment.
// Nobody knows from where it comes, and the host is one that there is to be a
// certificate for: so it is not for the gate, nor for allowed_hosts.
func (x *exchange) prove(to *Secure) bool {
	target := originForm(x.r.RequestURI)
	if x.r.Method != http.MethodGet || !strings.HasPrefix(target, acmePath) {
		return false
	}
	proof := to.Proof(x.r.Host, target)
	if proof != "" {
		x.answer(http.StatusOK, proof)
	}
	return proof != ""
}

// redirect answers with the way to https. False: the request is to be served here.
// Who is sent where there is no certificate would be sent to anywhere a client names:
// a cache would pass that on to others.
func (x *exchange) redirect(to *Secure) bool {
	target := originForm(x.r.RequestURI)
	if strings.HasPrefix(target, acmePath) {
		return false
	}
	if !to.Covers(x.r.Host) {
		x.answer(http.StatusMisdirectedRequest, "421 Misdirected Request: there is no certificate for this host\n")
		return true
	}
	x.location = "https://" + to.host(x.r.Host) + target
	x.answer(http.StatusPermanentRedirect, strconv.Itoa(http.StatusPermanentRedirect)+" "+http.StatusText(http.StatusPermanentRedirect)+"\n")
	return true
}

// host is where https is on a host. A client that names no port has come by 80: if
// that is not ours, somebody in front passes it on, and 443 as well.
func (to *Secure) host(host string) string {
	const http, https = "80", "443"
	port := to.Port
	if name, named, err := net.SplitHostPort(host); err == nil {
		host = name
		if named == http && to.Plain != http {
			port = https
		}
	} else if host = strings.Trim(host, "[]"); to.Plain != http {
		port = https
	}
	if port == https {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}

// originForm is a target without scheme and host (RFC 9112, 3.2.2).
func originForm(target string) string {
	if _, rest, absolute := strings.Cut(target, "://"); absolute && target[0] != '/' {
		if i := strings.IndexAny(rest, "/?"); i >= 0 && rest[i] == '/' {
			return rest[i:]
		} else if i >= 0 {
			return "/" + rest[i:]
		}
		return "/"
	}
	return target
}
