package exchange

import (
	"net/http"

	"github.com/gowsgi/gowsgi/internal/probe"
	"github.com/gowsgi/gowsgi/internal/proxies"
)

// ownPaths are the paths that the settings take from the application; nil for
// none.
func (h *Handler) ownPaths() (*probe.Paths, error) {
	s := &h.settings
	if s.HealthPath == "" && s.MetricsPath == "" {
		return nil, nil
	}
	allowed, err := proxies.Parse(s.MetricsAllowIPs)
	if err != nil {
		return nil, err
	}
	return &probe.Paths{
		Health: s.HealthPath, Ready: h.unready, Metrics: s.MetricsPath, Text: h.hooks.Metrics,
		// Whoever passes requests on to a unix socket does so for others.
		Allowed: func(peer string) bool { return allowed.Everybody() || peer != "" && allowed.Trusts(peer) },
	}, nil
}

// unready says why no requests should be sent to this worker.
func (h *Handler) unready() string {
	switch {
	case h.leaving.Load():
		return "gowsgi is about to stop"
	case h.draining():
		return "this worker finishes what it has"
	}
	// Those that wait for others of their mount take no room from the rest.
	if s := h.app.Stats(); s.Queued-s.Held >= h.settings.BacklogRequests {
		return "the queue is full"
	}
	return ""
}

// Leave has it said that no requests should be sent here any more.
func (h *Handler) Leave() { h.leaving.Store(true) }

// answerItself answers a request that is none of the application's.
func (x *exchange) answerItself(own probe.Answer) {
	x.fields = append(x.fields[:0], [2]string{"Content-Type", own.Type}, [2]string{"Cache-Control", "no-store"})
	if x.r.ContentLength != 0 { // nobody reads the body
		x.fields = append(x.fields, closing)
		x.w.LeaveBody()
	}
	x.fields = x.h.edits.Apply(x.fields)
	x.status, x.begun, x.length = own.Status, true, int64(len(own.Body))
	x.w.Begin(own.Status, http.StatusText(own.Status), x.fields, x.length)
	if x.r.Method != http.MethodHead {
		n, _ := x.w.WriteBlocks([]byte(own.Body)) // an error is the client's, who has left: End says so, too
		x.written += n
	}
}
