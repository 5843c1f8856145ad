package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/logging"
)

// LogRecord writes what the application said outside of its responses, with the
// request that it belongs to.
func LogRecord(log *slog.Logger, record embed.Record) {
	level, attrs := slog.LevelError, []any(nil)
	message := record.Text
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
		attrs = []any{"event", "application.logged"}
	}
	if !log.Enabled(context.Background(), level) {
		return
	}
	if record.Logger != "" {
		// Whether it gets into the log is the stream's affair: the application's
		// own configuration has let it through.
		level = logging.LevelOf(record.Level)
		attrs = append(attrs, "logger", record.Logger)
	}
	record.WithLabel(func(label any) { attrs = append(attrs, label.(*exchange).identity()...) })
	attrs = append(attrs, extra(record.Extra, attrs)...)
	if record.Traceback != "" {
		attrs = append(attrs, "traceback", record.Traceback)
	}
	r := slog.NewRecord(time.Now(), level, message, 0)
	r.Add(attrs...)
	_ = log.Handler().Handle(context.Background(), r)
}

// extra are attributes from a JSON object, in its order. Keys that a record has
// already, or may have, get a prefix: no application is to give a record another
// event or level.
func extra(object string, taken []any) (attrs []any) {
	if object == "" {
		return nil
	}
	keys := map[string]bool{"time": true, "level": true, "msg": true, "worker": true, "event": true, "traceback": true}
	for i := 0; i < len(taken); i += 2 {
		if key, ok := taken[i].(string); ok {
			keys[key] = true
		}
	}
	tokens := json.NewDecoder(strings.NewReader(object))
	tokens.UseNumber()
	_, _ = tokens.Token() // {
	for tokens.More() {
		token, err := tokens.Token()
		key, ok := token.(string)
		var value json.RawMessage
		if err != nil || !ok || tokens.Decode(&value) != nil {
			break // it comes from Python's json
		}
		if keys[key] {
			key = "extra." + key
		}
		attrs = append(attrs, key, plainValue(value))
	}
	return attrs
}

// plainValue is a JSON value as slog writes it well: objects and lists stay as
// they are.
func plainValue(raw json.RawMessage) any {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return raw
	}
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		return raw // 1e300, or an int that Go has no room for
	case string, bool, nil:
		return v
	}
	return raw
}
