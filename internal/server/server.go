package server

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/config"
)

// Server serves one application.
type Server struct {
	http        *http.Server
	handler     *handler
	connections *connections
	listeners   []*listener
	limitLine   int
	short       shortage
	accepting   sync.WaitGroup
	stopped     chan struct{} // closed when watch has ended
	cancel      context.CancelFunc
}

// New prepares a server; Drain ends it. access is nil for no access log.
func New(app *embed.Application, s config.Settings, log *slog.Logger, access *AccessLog, hooks Hooks) (*Server, error) {
	trusted, err := parseProxies(s.ForwardedAllowIPs)
	if err != nil {
		return nil, err
	}
	srv := newServer(s, log)
	h := &handler{
		app: app, settings: s, log: log, trusted: trusted, draining: &srv.connections.draining,
		access: access, ids: newRequestIDs(), hooks: hooks, plain: s.KeepAlive > 0 && !plainOff(), dates: clock{layout: http.TimeFormat},
	}
	h.flights = &flights{h: h}
	if s.MaxRequests > 0 {
		h.flights.most = int64(s.MaxRequests + rand.N(s.MaxRequestsJitter+1))
	}
	ctx, cancel := context.WithCancel(context.Background())
	srv.handler, srv.http.Handler, srv.http.ConnContext, srv.cancel = h, h, h.withConnection, cancel
	go func() {
		defer close(srv.stopped)
		h.flights.watch(ctx)
	}()
	return srv, nil
}

// newServer prepares what does not depend on the application.
func newServer(s config.Settings, log *slog.Logger) *Server {
	srv := &Server{
		connections: &connections{open: map[*connection]struct{}{}},
		limitLine:   s.LimitRequestLine,
		short:       shortage{log: log},
		stopped:     make(chan struct{}),
		cancel:      func() {},
	}
	srv.http = &http.Server{
		ReadHeaderTimeout: s.HeaderTimeout,
		IdleTimeout:       s.KeepAlive,
		MaxHeaderBytes:    maxHeaderBytes(s),
		ErrorLog:          slog.NewLogLogger(log.With("event", "http").Handler(), slog.LevelDebug),
		ConnState:         srv.connections.track,
	}
	// IdleTimeout 0 would mean "as ReadHeaderTimeout".
	srv.http.SetKeepAlivesEnabled(s.KeepAlive > 0)
	return srv
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
		ours := &listener{Listener: l.Listener, borrowed: l.Borrowed, limitLine: s.limitLine, short: &s.short}
		s.listeners = append(s.listeners, ours)
		s.accepting.Go(func() {
			if err := s.http.Serve(ours); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				failed <- err
			}
		})
	}
	return failed
}
