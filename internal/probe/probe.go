// Package probe answers the few paths that are gowsgi's own and not the
// application's: is it alive, may it be sent requests, what are its metrics.
// Python has no part in it, so they are answered when Python hangs.
package probe

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// Answer is an answer.
type Answer struct {
	Status int
	Type   string // its media type
	Body   string
}

// Paths are the paths that are ours. A nil *Paths has none.
type Paths struct {
	// Health is the path above /live and /ready; empty for none.
	Health string
	// Ready says why no requests should be sent here; empty: they may.
	Ready func() (reason string)
	// Metrics is a path; empty for none.
	Metrics string
	// Allowed tells whether a client may have the metrics: the address of its
	// end of the connection, empty for a unix socket.
	Allowed func(peer string) bool
	// Text is the metrics in a format that the field Accept allows, and its type.
	Text func(ctx context.Context, accept string) (text, mediaType string, err error)
}

const plain = "text/plain; charset=utf-8"

// Answer answers a request if its path is one of ours. uri is its target. Others
// methods than GET and HEAD are the application's.
func (p *Paths) Answer(r *http.Request, uri, peer string) (answer Answer, ours bool) {
	if p == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return answer, false
	}
	path, _, _ := strings.Cut(uri, "?")
	switch {
	case p.Metrics != "" && path == p.Metrics:
		return p.metrics(r, peer), true
	case p.Health == "" || !strings.HasPrefix(path, p.Health):
		return answer, false
	}
	switch path[len(p.Health):] {
	case "/live":
		return Answer{http.StatusOK, plain, "live\n"}, true
	case "/ready":
		return Readiness(p.Ready()), true
	}
	return answer, false
}

// IsHealth tells whether a request is answered by Answer and asks how the worker does:
// anybody may, under any name of the host.
func (p *Paths) IsHealth(r *http.Request, uri string) bool {
	if p == nil || p.Health == "" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	path, _, _ := strings.Cut(uri, "?")
	return path == p.Health+"/live" || path == p.Health+"/ready"
}

// Readiness is the answer to whether requests may be sent; reason says why not.
func Readiness(reason string) Answer {
	if reason != "" {
		return Answer{http.StatusServiceUnavailable, plain, "not ready: " + reason + "\n"}
	}
	return Answer{http.StatusOK, plain, "ready\n"}
}

func (p *Paths) metrics(r *http.Request, peer string) Answer {
	if !p.Allowed(peer) || IsForwarded(r.Header) {
		return Answer{http.StatusForbidden, plain, "403 Forbidden\n"}
	}
	text, mediaType, err := p.Text(r.Context(), strings.Join(r.Header["Accept"], ","))
	if err != nil {
		return Answer{http.StatusServiceUnavailable, plain, "no metrics now: " + err.Error() + "\n"}
	}
	return Answer{http.StatusOK, mediaType, text}
}

// forwarding are the fields that proxies add.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "Via"}

// IsForwarded tells whether a request came through a proxy that says so: then
// whoever connected is not who asks.
func IsForwarded(h http.Header) bool {
	return slices.ContainsFunc(forwarding, func(field string) bool { return len(h[field]) > 0 })
}
