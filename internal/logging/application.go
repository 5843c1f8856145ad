package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/dump"
)

// Kinds of Said, as in package embed.
const (
	ErrorStream   = iota // the application wrote to wsgi.errors
	SignalIgnored        // it called signal.signal; Text has the stack
	Stdout               // it wrote to sys.stdout
	Stderr               // it wrote to sys.stderr
	Logged               // it logged; Level and Logger are set
)

// Said is what the application said outside of its responses.
type Said struct {
	Kind   int
	Text   string
	Level  int    // of what Python's logging wrote, as it counts them
	Logger string // empty if somebody else did
	// Of a Logged one.
	Traceback string
	Extra     string // what extra= added, as a JSON object; "" for nothing
}

// To writes it; identity are attributes that say which request it belongs to.
func (s Said) To(log *slog.Logger, identity ...any) {
	level, attrs := slog.LevelError, []any(nil)
	switch s.Kind {
	case SignalIgnored:
		log.Warn("the application's signal.signal was ignored", "event", "signal.ignored", "stack", dump.WithoutImporting(s.Text))
		return
	case ErrorStream:
		attrs = []any{"event", "wsgi.errors"}
	case Stdout:
		level, attrs = slog.LevelInfo, []any{"event", "application.output", "stream", "stdout"}
	case Stderr:
		level, attrs = slog.LevelWarn, []any{"event", "application.output", "stream", "stderr"}
	case Logged:
		level = LevelOf(s.Level)
		attrs = []any{"event", "application.logged"}
	}
	if !log.Enabled(context.Background(), level) {
		return
	}
	if s.Logger != "" {
		// Whether it gets into the log is the stream's affair: the application's
		// own configuration has let it through.
		level = LevelOf(s.Level)
		attrs = append(attrs, "logger", s.Logger)
	}
	attrs = append(attrs, identity...)
	attrs = append(attrs, extra(s.Extra, attrs)...)
	if s.Traceback != "" {
		attrs = append(attrs, "traceback", s.Traceback)
	}
	r := slog.NewRecord(time.Now(), level, s.Text, 0)
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
