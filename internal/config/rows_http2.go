package config

import (
	"errors"
	"strings"
)

const groupHTTP2 = "HTTP/2"

// PriorKnowledge is a value of http2_cleartext.
const PriorKnowledge = "prior-knowledge"

// http2Rows say how HTTP/2 is spoken, and with whom.
func http2Rows() []setting {
	return []setting{
		{
			name: "http-protocols", group: groupHTTP2, meta: "LIST", def: "h2,h1",
			kind: list{field: func(s *Settings) *[]string { return &s.HTTPProtocols }, item: protocol, want: "h2 or h1", commas: true, least: 1},
			help: "What clients with TLS can have, the first that they know: h2, h1.",
			more: "Gunicorn's default is h1. Clients that do not ask have h1.",
		},
		{
			name: "http2-cleartext", group: groupHTTP2, meta: "MODE", def: "off",
			kind: cleartext(func(s *Settings) *string { return &s.HTTP2Cleartext }),
			help: "Speak HTTP/2 without TLS with proxies in forwarded_allow_ips that begin with its preface: prior-knowledge, or off.",
			more: "For a proxy that has ended TLS and speaks HTTP/2 on. Everybody else gets HTTP/1, as always.",
		},
		{
			name: "http2-max-concurrent-streams", group: groupHTTP2, meta: "N", def: "100",
			kind: number(func(s *Settings) *int { return &s.HTTP2MaxConcurrentStreams }, 1, 100_000),
			help: "Most requests that an HTTP/2 connection may have at once.",
			more: "They wait for a thread like all others (backlog-requests); a client with more of them waits until one is answered.",
		},
		{
			name: "http2-initial-window-size", group: groupHTTP2, meta: "SIZE", def: "256K",
			kind: size(func(s *Settings) *int { return &s.HTTP2InitialWindowSize }, 65535, 4*mib-1),
			help: "So much of an HTTP/2 request's body may come before it is read.",
			more: "What is on its way at a time limits how fast a client that is far away can send. It is memory that a client can take.",
		},
		{
			name: "http2-max-frame-size", group: groupHTTP2, meta: "SIZE", def: "16K",
			kind: size(func(s *Settings) *int { return &s.HTTP2MaxFrameSize }, 16384, 16*mib-1),
			help: "Longest frame of HTTP/2 that is read.",
			more: "Each connection keeps the memory for the longest that came.",
		},
	}
}

// protocol is one that clients with TLS can have.
func protocol(item string) (string, error) {
	if item = strings.ToLower(item); item != "h2" && item != "h1" {
		return "", errors.New("must be h2 or h1")
	}
	return item, nil
}

// cleartext is a choice that says why Gunicorn's other two words are none here.
func cleartext(field func(*Settings) *string) kind {
	k := choice(field, Off, PriorKnowledge).(scalar[string])
	k.want += " (RFC 9113 has taken out the way by Upgrade, which is Gunicorn's upgrade and both)"
	return k
}
