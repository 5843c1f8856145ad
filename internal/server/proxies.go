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

// secureSchemes are the headers that proxies use for the scheme, and what each says
// for https (Gunicorn's secure_scheme_headers).
var secureSchemes = [...]struct{ field, https string }{
	{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Protocol", "ssl"}, {"X-Forwarded-Ssl", "on"},
}

// scheme is wsgi.url_scheme: what a trusted proxy says. contradicts: it says both,
// in two of the headers or two copies of one. A proxy that sets one of them passes
// the others on from its client, who must not choose: 400, as under Gunicorn.
func (p *proxies) scheme(peer string, h http.Header) (scheme string, contradicts bool) {
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
	if !https || !p.trusts(peer) {
		return "http", false
	}
	return "https", http
}

// advisePassedOver tells the operator that a trusted proxy sends a field that does
// not reach the application, being one with an underscore, in the hope that it is
// believed. Only well-known ones are named: a client may have sent the others.
func (x *exchange) advisePassedOver(field string) {
	switch field {
	case "Script_name", "Path_info", "Remote_user", "Remote_addr":
	default:
		return
	}
	if x.h.trusted.trusts(x.client.host) {
		x.advise("proxy.passed_over", strings.ToUpper(field),
			"a header field of the proxy is passed over, because one with an underscore could pass for another: "+
				"have the proxy send it with a dash, or use --mount for SCRIPT_NAME")
	}
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return strings.TrimSpace(v[0])
	}
	return ""
}
