package server

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/accesslog"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/proxies"
)

// Server serves one application.
type Server struct {
	http1     *http1.Server
	handler   *handler // nil: there is no application
	listeners []*listener
	accepting sync.WaitGroup
	stopped   chan struct{} // closed when watch has ended
	cancel    context.CancelFunc
}

// New prepares a server; Drain ends it. access is nil for no access log.
func New(app *embed.Application, s config.Settings, log *slog.Logger, access *accesslog.Log, hooks Hooks) (*Server, error) {
	trusted, err := proxies.Parse(s.ForwardedAllowIPs)
	if err != nil {
		return nil, err
	}
	h := &handler{app: app, settings: s, log: log, trusted: trusted, access: access, ids: newRequestIDs(), hooks: hooks}
	h.flights = &flights{h: h}
	if s.MaxRequests > 0 {
		h.flights.most = int64(s.MaxRequests + rand.N(s.MaxRequestsJitter+1))
	}
	srv := newServer(s, log, h, h.refused)
	h.draining = srv.http1.Draining
	ctx, cancel := context.WithCancel(context.Background())
	srv.handler, srv.cancel = h, cancel
	go func() {
		defer close(srv.stopped)
		h.flights.watch(ctx)
	}()
	return srv, nil
}

// newServer prepares what does not depend on the application.
func newServer(s config.Settings, log *slog.Logger, h http.Handler, refused func(*http1.Refused)) *Server {
	return &Server{
		http1: http1.New(http1.Config{
			Handler: h, Log: log, Refused: refused,
			Limits: http1.Limits{
				Line: s.LimitRequestLine, Field: s.LimitRequestFieldSize, Fields: s.LimitRequestFields, Head: s.LimitRequestHead,
			},
			HeaderTimeout: s.HeaderTimeout, KeepAlive: s.KeepAlive, WriteTimeout: s.WriteTimeout, MinRate: s.MinRate,
			MaxConnections: maxConnections(s.MaxConnections), MaxPerAddress: s.MaxConnectionsPerAddress,
		}),
		stopped: make(chan struct{}),
		cancel:  func() {},
	}
}

// refused notes, in both logs, an answer to what was no request.
func (h *handler) refused(r *http1.Refused) {
	client, line := address(r.Remote), loggedLine(string(r.Line))
	if held, ok := h.refusals.Pass(time.Now(), 1); ok {
		h.log.Info("what a client sent was no request, or too large", append([]any{
			"event", "request.malformed", "status", r.Status, "reason", r.Why, "line", line, "client", net.JoinHostPort(client.Host, client.Port),
		}, logging.Suppressed(held)...)...)
	}
	if h.access == nil {
		return
	}
	h.access.Write(&accesslog.Entry{
		Time: r.Time, Took: time.Since(r.Time), Client: client, Server: address(r.Local), Line: line,
		Scheme: "http", Status: r.Status, Length: int64(r.Body), BytesOut: int64(r.Body), HeadIn: r.In, HeadOut: r.Head, Before: r.Before, Closes: true,
	}, nil)
}

// Listener is a listening socket.
type Listener struct {
	net.Listener
	Borrowed bool // it outlives the whole server: it is never shut down
}

// Start accepts on all listeners until Drain. The channel gets an error if one
// of them fails before.
func (s *Server) Start(listeners []Listener) <-chan error {
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		ours := &listener{Listener: l.Listener, borrowed: l.Borrowed}
		s.listeners = append(s.listeners, ours)
		s.accepting.Go(func() {
			if err := s.http1.Serve(ours); !errors.Is(err, net.ErrClosed) {
				failed <- err
			}
		})
	}
	return failed
}
