package exchange

import (
	"log/slog"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/accesslog"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// The kinds are the same; this does not compile otherwise.
var _ = [1]struct{}{}[embed.ErrorStream-logging.ErrorStream|embed.SignalIgnored-logging.SignalIgnored|
	embed.Stdout-logging.Stdout|embed.Stderr-logging.Stderr|embed.Logged-logging.Logged]

// LogRecord writes what the application said outside of its responses, with the
// request that it belongs to.
func LogRecord(log *slog.Logger, record embed.Record) {
	var identity []any
	if !record.WithLabel(func(label any) { identity = label.(*exchange).identity() }) {
		if d, ok := record.Describe(); ok { // nobody on a goroutine has it
			identity = []any{"method", d.Method, "uri", accesslog.Target(d.URI), "client", d.Client(), "request_id", d.ID}
		}
	}
	logging.Said{
		Kind: record.Kind, Text: record.Text, Level: record.Level, Logger: record.Logger,
		Traceback: record.Traceback, Extra: record.Extra,
	}.To(log, identity...)
}
