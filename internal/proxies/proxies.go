// Package proxies is whom to believe what they say of somebody else.
package proxies

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the peers whose X-Forwarded-Proto is believed. The rest of what
// a proxy says (X-Forwarded-For, …) reaches the application as HTTP_… and is
// its middleware's to judge, as under Gunicorn.
type Proxies struct {
	all      bool
	networks []netip.Prefix
}

// Parse makes them of forwarded_allow_ips: addresses, networks, or * for all.
func Parse(list []string) (*Proxies, error) {
	p := &Proxies{}
	for _, item := range list {
		if item == "*" {
			p.all = true
			continue
		}
		network, err := netip.ParsePrefix(item)
		if err != nil {
			addr, addrErr := netip.ParseAddr(item)
			if addrErr != nil {
				return nil, fmt.Errorf("forwarded_allow_ips: %q is no address, network or *", item)
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		p.networks = append(p.networks, network.Masked())
	}
	return p, nil
}

// Trusts tells whether peer, the address of a client or "" for a unix socket,
// is such a proxy. Who may open the unix socket is trusted.
func (p *Proxies) Trusts(peer string) bool {
	if p.all || peer == "" {
		return true
	}
	addr, err := netip.ParseAddr(peer)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	for _, network := range p.networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// Everybody tells whether every peer is.
func (p *Proxies) Everybody() bool { return p.all }

// secureSchemes are the headers that proxies use for the scheme, and what each says
// for https (Gunicorn's secure_scheme_headers).
var secureSchemes = [...]struct{ field, https string }{
	{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Protocol", "ssl"}, {"X-Forwarded-Ssl", "on"},
}

// Scheme is wsgi.url_scheme: what a trusted proxy says, else own, the connection's: a
// proxy may speak TLS here with whom clients do not. contradicts: it says both,
// in two of the headers or two copies of one. A proxy that sets one of them passes
// the others on from its client, who must not choose: 400, as under Gunicorn.
func (p *Proxies) Scheme(own, peer string, h http.Header) (scheme string, contradicts bool) {
	http, https := false, false
	for _, secure := range secureSchemes {
		for _, value := range h[secure.field] {
			if strings.EqualFold(strings.TrimSpace(value), secure.https) {
				https = true
			} else {
				http = true
			}
		}
	}
	switch {
	case !https && !http || !p.Trusts(peer):
		return own, false
	case !https:
		return "http", false
	}
	return "https", http
}

// SchemeFields are the fields of a request that speak of the scheme, for the log.
func SchemeFields(h http.Header) string {
	var fields []string
	for _, secure := range secureSchemes {
		for _, value := range h[secure.field] {
			fields = append(fields, fmt.Sprintf("%s: %.100s", secure.field, value))
		}
	}
	const most = 10
	if more := len(fields) - most; more > 0 {
		fields = append(fields[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(fields, ", ")
}
