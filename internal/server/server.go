package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/accesslog"
	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/deadlines"
	"github.com/gowsgi/gowsgi/internal/exchange"
	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/http2"
	"github.com/gowsgi/gowsgi/internal/proxies"
	"github.com/gowsgi/gowsgi/internal/share"
)

// Server serves one application.
type Server struct {
	http1 *http1.Server
	http2 *http2.Server
	// Watcher has the figures. nil: there is no application.
	*deadlines.Watcher
	handler   *exchange.Handler // nil: there is no application
	access    *accesslog.Log
	share     *share.Share // nil: there are no other workers
	secure    *certs.Store // nil: no TLS
	lane      http1.Lane   // nil: there is none
	listeners []*listener
	accepting sync.WaitGroup
	stopped   chan struct{} // closed when Watch has ended
	cancel    context.CancelFunc
}

// New prepares a server; Drain ends it. access is nil for no access log, own for a
// worker alone.
func New(app *embed.Application, s config.Settings, log *slog.Logger, access *accesslog.Log, hooks exchange.Hooks, own *share.Share) (*Server, error) {
	srv := &Server{stopped: make(chan struct{}), share: own}
	h, err := exchange.New(exchange.Config{
		App: app, Settings: s, Log: log, Access: access, Hooks: hooks,
		Draining: func() bool { return srv.http1.Draining() }, SpoolFiles: spoolFiles(s.MaxConnections),
	})
	if err != nil {
		return nil, err
	}
	refusals := &refusals{log: log, access: access, count: h.CountStatus}
	shakes := &handshakes{log: log}
	if hooks.Page != nil && hooks.Counts {
		shakes.counts = hooks.Page.Figures
	}
	srv.http2 = newHTTP2(s, log, h, func(c *http2.Config) { c.Refused, c.Dress = refusals.note, h.Dress })
	srv.http1 = newHTTP1(s, log, h, srv.http2, func(c *http1.Config) {
		c.Refused, c.Dress, c.Trusts, c.Handshaken, c.Ended = refusals.note, h.Dress, h.Trusts, shakes.note, func() { own.Add(-1) }
	})
	ctx, cancel := context.WithCancel(context.Background())
	srv.handler, srv.Watcher, srv.access, srv.cancel = h, h.Watcher(), access, cancel
	srv.note(app, hooks.Page)
	if err := srv.openLane(app, s, hooks, access != nil); err != nil {
		cancel()
		return nil, err
	}
	go h.Files().Watch(ctx.Done())
	go func() {
		defer close(srv.stopped)
		srv.Watch(ctx)
	}()
	return srv, nil
}

func newHTTP1(s config.Settings, log *slog.Logger, h http.Handler, other *http2.Server, more func(*http1.Config)) *http1.Server {
	c := http1.Config{
		Handler: h, Log: log, Announcing: announcingOf(s),
		HTTP2: other.Serve, SpareHTTP2: other.Spare, PriorKnowledge: s.HTTP2Cleartext == config.PriorKnowledge,
		Limits:        limitsOf(s),
		HeaderTimeout: s.HeaderTimeout, KeepAlive: s.KeepAlive, WriteTimeout: s.WriteTimeout, MinRate: s.MinRate,
		MaxConnections: maxConnections(s.MaxConnections), MaxPerAddress: s.MaxConnectionsPerAddress,
	}
	more(&c)
	return http1.New(c)
}

// announcingOf is who announces clients by the PROXY protocol.
func announcingOf(s config.Settings) http1.Announcing {
	if s.ProxyProtocol == config.ProxyProtocolOff {
		return http1.Announcing{}
	}
	allowed, err := proxies.Parse(s.ProxyAllowFrom)
	if err != nil {
		return http1.Announcing{} // it was checked where it was given
	}
	return http1.Announcing{Allowed: allowed.Trusts, V1: s.ProxyProtocol != config.ProxyProtocolV2, V2: s.ProxyProtocol != config.ProxyProtocolV1}
}

func newHTTP2(s config.Settings, log *slog.Logger, h http.Handler, more func(*http2.Config)) *http2.Server {
	c := http2.Config{
		Handler: h, Log: log, Limits: limitsOf(s),
		HeaderTimeout: s.HeaderTimeout, KeepAlive: s.KeepAlive, WriteTimeout: s.WriteTimeout,
		MaxStreams: s.HTTP2MaxConcurrentStreams, Window: s.HTTP2InitialWindowSize, MaxFrame: s.HTTP2MaxFrameSize,
	}
	more(&c)
	return http2.New(c)
}

func limitsOf(s config.Settings) http1.Limits {
	return http1.Limits{Line: s.LimitRequestLine, Field: s.LimitRequestFieldSize, Fields: s.LimitRequestFields, Head: s.LimitRequestHead}
}

// http1's Writer can do all that an exchange wishes for.
var _ exchange.Wire = (*http1.Writer)(nil)

// Listener is a listening socket.
type Listener struct {
	net.Listener
	Borrowed  bool // it outlives the whole server: it is never shut down
	TLS       bool // it is spoken there
	Redirects bool // clients are sent to https from there
}

// Start accepts on all listeners until Drain. The channel gets an error if one
// of them fails before.
func (s *Server) Start(listeners []Listener) <-chan error {
	failed := make(chan error, len(listeners))
	s.share.Set(0)
	redirect := s.redirect(listeners)
	for _, l := range listeners {
		ours := &listener{Listener: l.Listener, borrowed: l.Borrowed, share: s.share}
		s.listeners = append(s.listeners, ours)
		s.accepting.Go(func() {
			if err := s.http1.ServeDoor(ours, s.door(&l, redirect)); !errors.Is(err, net.ErrClosed) {
				failed <- err
			}
		})
	}
	return failed
}
