package logging

import (
	"context"
	"log/slog"
)

// Counting returns a handler that calls count with the event of each record that
// next takes, empty for none, its level, and whether it has a traceback.
func Counting(next slog.Handler, count func(event string, level slog.Level, traceback bool)) slog.Handler {
	return counting{Handler: next, count: count}
}

type counting struct {
	slog.Handler
	count func(string, slog.Level, bool)
	event string // of all records
}

// The attributes that name what happened, and hold an exception.
const (
	eventKey     = "event"
	tracebackKey = "traceback"
)

func (c counting) Handle(ctx context.Context, r slog.Record) error {
	event, traceback := c.event, false
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case eventKey:
			event = a.Value.String()
		case tracebackKey:
			traceback = true
		}
		return true
	})
	c.count(event, r.Level, traceback)
	return c.Handler.Handle(ctx, r)
}

func (c counting) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == eventKey {
			c.event = a.Value.String()
		}
	}
	c.Handler = c.Handler.WithAttrs(attrs)
	return c
}

func (c counting) WithGroup(name string) slog.Handler {
	c.Handler = c.Handler.WithGroup(name)
	return c
}
