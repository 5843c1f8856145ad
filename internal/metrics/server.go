package metrics

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/internal/listen"
	"github.com/gowsgi/gowsgi/internal/probe"
)

// Source is what is measured.
type Source interface {
	Snapshot(ctx context.Context) (Snapshot, error)
	// Unready says why no requests should be sent; empty: they may.
	Unready(ctx context.Context) (reason string)
}

const (
	// mostScrapers are connected at once.
	mostScrapers = 32
	// A scraper has this long to ask, and to take its answer.
	patience = 10 * time.Second
)

// Server answers at an address of its own.
type Server struct{ http *http.Server }

// Serve answers on l until Close: /metrics and, as an application's listener
// does below its health path, /-/live and /-/ready.
func Serve(l net.Listener, s Source, log *slog.Logger) *Server {
	server := &Server{&http.Server{
		Handler: handler(s), ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(log.With("event", "metrics.failed").Handler(), slog.LevelWarn),
	}}
	go func() { _ = server.http.Serve(listen.Few(l, mostScrapers)) }()
	return server
}

// Close ends it. On nil it does nothing.
func (s *Server) Close() {
	if s != nil {
		_ = s.http.Close()
	}
}

func handler(s Source) http.Handler {
	texts := &Texts{Source: s}
	paths := func(r *http.Request) *probe.Paths {
		return &probe.Paths{
			Health: "/-", Ready: func() string { return s.Unready(r.Context()) },
			Metrics: "/metrics", Allowed: func(string) bool { return true }, Text: texts.Text,
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ours := paths(r).Answer(&http.Request{Method: r.Method, Header: http.Header{"Accept": r.Header["Accept"]}}, r.URL.Path, "")
		if !ours {
			answer = probe.Answer{Status: http.StatusNotFound, Type: "text/plain; charset=utf-8", Body: "404: there are /metrics, /-/live and /-/ready here\n"}
		}
		w.Header().Set("Content-Type", answer.Type)
		w.WriteHeader(answer.Status)
		_, _ = w.Write([]byte(answer.Body)) // the client may have left
	})
}

// Texts writes a source's metrics. Those who ask while another one is being
// answered share what is found out after that, so that many cost what two do.
type Texts struct {
	Source Source

	mu    sync.Mutex
	taken time.Time // when the last snapshot was begun
	last  Snapshot
}

// Text is probe.Paths.Text.
func (t *Texts) Text(ctx context.Context, accept string) (text, mediaType string, err error) {
	asked := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.taken.After(asked) { // else somebody did it meanwhile
		began := time.Now()
		snapshot, err := t.Source.Snapshot(ctx)
		if err != nil {
			return "", "", err
		}
		t.taken, t.last = began, snapshot
	}
	bytes, mediaType := Text(t.last, accept)
	return string(bytes), mediaType, nil
}
