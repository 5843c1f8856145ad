package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// proxyRows say who is believed, and what.
func proxyRows() []setting {
	return []setting{
		{
			name: "forwarded-allow-ips", group: groupProxies, meta: "IPS", def: "127.0.0.1,::1,unix", env: "FORWARDED_ALLOW_IPS",
			kind: list{field: func(s *Settings) *[]string { return &s.ForwardedAllowIPs }, item: proxy, want: wantedPeers("unix for unix sockets"), commas: true},
			help: "Proxies that are believed what they say of their clients: addresses, networks, unix for unix sockets, or * for all.",
			more: "The client is the last address of X-Forwarded-For that is none of these; with *, the last one. Name nobody who lets clients through without setting the fields of forwarded-fields. See docs/internet.md.",
		},
		{
			name: "forwarded-fields", group: groupProxies, meta: "FIELDS", def: "for,proto",
			kind: list{field: func(s *Settings) *[]string { return &s.ForwardedFields }, item: forwardedField, want: forwardedWords, commas: true},
			help: "What these proxies set: for, proto, host, port, prefix of X-Forwarded-…, and forwarded of RFC 7239.",
			more: "Name only what the proxy sets or removes in every request: any other field it passes on as its client has sent it. Fields that are not named reach the application all the same.",
		},
		{
			name: "forwarded-untrusted", group: groupProxies, meta: "WHAT", def: "auto",
			kind: choice(func(s *Settings) *string { return &s.ForwardedUntrusted }, "keep", "remove", "auto"),
			help: "Whether such fields reach the application from anybody else: keep, remove, or auto to remove them on TLS alone.",
			more: "They do under Gunicorn, which Django's SECURE_PROXY_SSL_HEADER and Werkzeug's ProxyFix rely on behind proxies that are not named above.",
		},
		{
			name: "proxy-protocol", group: groupProxies, meta: "VERSION", def: ProxyProtocolOff, bare: "auto",
			words: []string{"off", "false", "none", "0", "v1", "v2", "auto", "true", "1"},
			kind:  proxyProtocol(func(s *Settings) *string { return &s.ProxyProtocol }),
			help:  "Read the PROXY protocol, in which a proxy that passes on bytes says for whom: off, v1, v2, or auto for both.",
			more:  "The header is read before TLS, if there is any. A connection without one is the peer's own.",
		},
		{
			name: "proxy-allow-from", group: groupProxies, meta: "IPS", def: "127.0.0.1,::1,unix", gunicorn: "proxy_allow_ips",
			kind: list{field: func(s *Settings) *[]string { return &s.ProxyAllowFrom }, item: proxy, want: wantedPeers("unix for unix sockets"), commas: true},
			help: "Who may say so: addresses, networks, unix for unix sockets, or * for all. From anybody else it is no request.",
		},
	}
}

// ProxyProtocolOff, V1 and V2 are words of proxy_protocol; auto is both.
const (
	ProxyProtocolOff = "off"
	ProxyProtocolV1  = "v1"
	ProxyProtocolV2  = "v2"
)

// proxyProtocol takes Gunicorn's words for its versions as well.
func proxyProtocol(field func(*Settings) *string) kind {
	k := choice(field, ProxyProtocolOff, ProxyProtocolV1, ProxyProtocolV2, "auto").(scalar[string])
	known := k.read
	k.read = func(text string) (string, bool) {
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "false", "none", "0":
			return ProxyProtocolOff, true
		case "true", "1":
			return "auto", true
		}
		return known(text)
	}
	k.take = func(value any) (string, bool) {
		if on, ok := value.(bool); ok {
			return k.read(strconv.FormatBool(on))
		}
		return ofString(k.read)(value)
	}
	return k
}

func wantedPeers(words string) string {
	return "an IP address, a network such as 10.0.0.0/8, " + words + ", or *"
}

// unixPeers are the peers on unix sockets.
const unixPeers = "unix"

// proxy is an item of forwarded_allow_ips.
func proxy(item string) (string, error) {
	if item == unixPeers {
		return item, nil
	}
	if _, err := peer(item); err != nil {
		return "", errors.New("must be " + wantedPeers("unix for unix sockets"))
	}
	return item, nil
}

const forwardedWords = "for, proto, host, port, prefix or forwarded"

func forwardedField(item string) (string, error) {
	switch word := strings.ToLower(item); word {
	case "for", "proto", "host", "port", "prefix", "forwarded":
		return word, nil
	}
	return "", errors.New("must be " + forwardedWords)
}

func (l *loader) checkPeers() {
	l.checkEverybody("forwarded_allow_ips", l.settings.ForwardedAllowIPs)
	l.checkEverybody("proxy_allow_from", l.settings.ProxyAllowFrom)
	l.noteUnixPeers()
}

func (l *loader) checkEverybody(key string, peers []string) {
	if len(peers) > 1 && slices.Contains(peers, everyPeer) {
		l.complain(l.origin[key], key, "* trusts every address, the others say that only some are trusted; leave out one or the other")
	}
}

// noteUnixPeers: under Gunicorn every peer on a unix socket is believed, whatever the
// list says.
func (l *loader) noteUnixPeers() {
	peers := l.settings.ForwardedAllowIPs
	if len(peers) == 0 || slices.Contains(peers, unixPeers) || slices.Contains(peers, everyPeer) ||
		!slices.ContainsFunc(l.settings.Bind, func(a string) bool { return strings.HasPrefix(a, "unix:") }) {
		return
	}
	l.notes = append(l.notes, Note{Warning: true, Text: "a proxy on a unix socket is not believed what it says of its clients, since forwarded_allow_ips (" +
		l.origin["forwarded_allow_ips"] + ") has no unix: add it if there is a proxy"})
}
