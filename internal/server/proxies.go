package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the peers whose X-Forwarded-Proto is believed. The rest of what
// a proxy says (X-Forwarded-For, …) reaches the application as HTTP_… and is
// its middleware's to judge, as under Gunicorn.
type proxies struct {
	all      bool
	networks []netip.Prefix
}

func parseProxies(list []string) (*proxies, error) {
	p := &proxies{}
	for _, item := range list {
		if item == "*" {
			p.all = true
			continue
		}
		network, err := netip.ParsePrefix(item)
		if err != nil {
			addr, addrErr := netip.ParseAddr(item)
			if addrErr != nil {
				return nil, fmt.Errorf("server: forwarded_allow_ips: %q is no address, network or *", item)
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		p.networks = append(p.networks, network.Masked())
	}
	return p, nil
}

// trusts tells whether peer, the address of a client or "" for a unix socket,
// is such a proxy. Who may open the unix socket is trusted.
func (p *proxies) trusts(peer string) bool {
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

// scheme is wsgi.url_scheme: https if a trusted proxy says so in one of the
// three headers that proxies use for it (Gunicorn's secure_scheme_headers).
func (p *proxies) scheme(peer string, h http.Header) string {
	https := strings.EqualFold(first(h, "X-Forwarded-Proto"), "https") ||
		strings.EqualFold(first(h, "X-Forwarded-Protocol"), "ssl") ||
		strings.EqualFold(first(h, "X-Forwarded-Ssl"), "on")
	if https && p.trusts(peer) {
		return "https"
	}
	return "http"
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return strings.TrimSpace(v[0])
	}
	return ""
}
