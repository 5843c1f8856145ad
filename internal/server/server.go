package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/config"
)

// Server serves one application.
type Server struct {
	http    *http.Server
	handler *handler
	stopped chan struct{} // closed when watch has ended
	cancel  context.CancelFunc
}

// New prepares a server. access is where the access log goes, nil for none.
func New(app *embed.Application, s config.Settings, log *slog.Logger, access io.Writer) (*Server, error) {
	trusted, err := parseProxies(s.ForwardedAllowIPs)
	if err != nil {
		return nil, err
	}
	h := &handler{app: app, settings: s, log: log, trusted: trusted, flights: &flights{}}
	if access != nil {
		h.access = newAccessLog(s.AccessLogformat, access)
	}
	srv := &Server{handler: h, stopped: make(chan struct{})}
	srv.http = &http.Server{
		Handler:           h,
		ReadHeaderTimeout: s.HeaderTimeout,
		IdleTimeout:       s.KeepAlive,
		MaxHeaderBytes:    maxHeaderBytes(s),
		ErrorLog:          slog.NewLogLogger(log.With("event", "http").Handler(), slog.LevelDebug),
		ConnContext:       withConnection,
		ConnState:         trackState,
	}
	// IdleTimeout 0 would mean "as ReadHeaderTimeout".
	srv.http.SetKeepAlivesEnabled(s.KeepAlive > 0)
	return srv, nil
}

// Serve accepts on all listeners until Shutdown, or until one of them fails.
func (s *Server) Serve(listeners []net.Listener) error {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		defer close(s.stopped)
		s.handler.flights.watch(ctx)
	}()
	errs := make(chan error, len(listeners))
	var accepting sync.WaitGroup
	for _, l := range listeners {
		accepting.Go(func() { errs <- s.http.Serve(listener{l, s.handler.settings.LimitRequestLine}) })
	}
	err := <-errs
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	accepting.Wait()
	return err
}

// Shutdown stops accepting, closes idle connections, and waits at most timeout
// for requests that are being served; then it cuts them off and returns
// context.DeadlineExceeded.
func (s *Server) Shutdown(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	if s.cancel != nil {
		s.cancel()
		<-s.stopped
	}
	return err
}

// LogRecord writes what the application said outside of its response.
func LogRecord(log *slog.Logger, record embed.Record) {
	switch record.Kind {
	case embed.ErrorStream:
		attrs := []any{"event", "wsgi.errors"}
		if record.Request != nil {
			if x, ok := record.Request.Label.(*exchange); ok {
				attrs = append(attrs, "method", x.r.Method, "uri", x.r.RequestURI, "client", x.r.RemoteAddr)
			}
		}
		log.Error(record.Text, attrs...)
	case embed.SignalIgnored:
		log.Warn("the application's signal.signal was ignored", "event", "signal.ignored", "stack", record.Text)
	}
}
