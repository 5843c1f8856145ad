package logging

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// Switch is a handler that passes records on to a logger which can be changed.
// The zero value needs one first. Safe for concurrent use.
type Switch struct{ to atomic.Pointer[slog.Logger] }

// To sends records to log from now on.
func (s *Switch) To(log *slog.Logger) { s.to.Store(log) }

func (s *Switch) handler() slog.Handler { return s.to.Load().Handler() }

// Enabled is the present logger's.
func (s *Switch) Enabled(ctx context.Context, level slog.Level) bool {
	return s.handler().Enabled(ctx, level)
}

// Handle is the present logger's.
func (s *Switch) Handle(ctx context.Context, r slog.Record) error { return s.handler().Handle(ctx, r) }

// WithAttrs is the present logger's, and stays with it.
func (s *Switch) WithAttrs(attrs []slog.Attr) slog.Handler { return s.handler().WithAttrs(attrs) }

// WithGroup is the present logger's, and stays with it.
func (s *Switch) WithGroup(name string) slog.Handler { return s.handler().WithGroup(name) }
