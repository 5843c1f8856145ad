package server

import (
	"context"
	"log/slog"
	"strings"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// LogRecord writes what the application said outside of its responses, with the
// request that it belongs to.
func LogRecord(log *slog.Logger, record embed.Record) {
	level, attrs := slog.LevelError, []any(nil)
	switch record.Kind {
	case embed.SignalIgnored:
		log.Warn("the application's signal.signal was ignored", "event", "signal.ignored", "stack", record.Text)
		return
	case embed.ErrorStream:
		attrs = []any{"event", "wsgi.errors"}
	case embed.Stdout:
		level, attrs = slog.LevelInfo, []any{"event", "application.output", "stream", "stdout"}
	case embed.Stderr:
		level, attrs = slog.LevelWarn, []any{"event", "application.output", "stream", "stderr"}
	case embed.Logged:
		level = logging.LevelOf(record.Level)
		attrs = []any{"event", "application.logged", "logger", record.Logger}
	}
	record.WithLabel(func(label any) { attrs = append(attrs, label.(*exchange).identity()...) })
	message := record.Text
	if first, rest, several := strings.Cut(message, "\n"); several && record.Kind == embed.Logged {
		message, attrs = first, append(attrs, "traceback", rest)
	}
	log.Log(context.Background(), level, message, attrs...)
}
