package logging

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// screen is a slog.Handler for people: the time of day, the level, the message,
// and after it what else there is. A record is one Write. Whatever is in it, it
// moves no cursor: control characters are spelled out, and colours are ours.
type screen struct {
	to     io.Writer
	level  slog.Leveler
	colors bool
	before []byte // attributes of With, as they are written
	group  string // in front of keys: "a.b."
}

// Colours, as ECMA-48 has them.
const (
	plain  = "\x1b[0m"
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	green  = "\x1b[32m"
	blue   = "\x1b[34m"
)

func (s *screen) Enabled(_ context.Context, level slog.Level) bool { return level >= s.level.Level() }

func (s *screen) Handle(_ context.Context, r slog.Record) error {
	b := make([]byte, 0, 256)
	b = s.paint(b, faint, r.Time.Format("15:04:05.000"))
	b = append(b, ' ')
	name, color := nameOf(r.Level)
	b = s.paint(b, color, name)
	b = append(b, ' ')
	message := ""
	if r.Level >= slog.LevelWarn {
		message = bold
	}
	b = s.paint(b, message, spelledOut(r.Message))
	b = append(b, s.before...)
	r.Attrs(func(a slog.Attr) bool {
		b = s.attribute(b, s.group, a)
		return true
	})
	_, err := s.to.Write(append(b, '\n'))
	return err
}

func (s *screen) WithAttrs(attrs []slog.Attr) slog.Handler {
	changed := *s
	changed.before = s.before[:len(s.before):len(s.before)]
	for _, a := range attrs {
		changed.before = s.attribute(changed.before, s.group, a)
	}
	return &changed
}

func (s *screen) WithGroup(name string) slog.Handler {
	changed := *s
	if name != "" {
		changed.group += name + "."
	}
	return &changed
}

func (s *screen) attribute(b []byte, group string, a slog.Attr) []byte {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, member := range value.Group() {
			b = s.attribute(b, group, member)
		}
		return b
	}
	if a.Equal(slog.Attr{}) {
		return b
	}
	text := value.String()
	if value.Kind() == slog.KindTime {
		text = value.Time().Format(time.RFC3339)
	}
	if text == "" || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == '"' || c == '=' || !unicode.IsPrint(c) }) {
		text = strconv.Quote(text)
	}
	b = append(b, ' ')
	b = s.paint(b, faint, spelledOut(group+a.Key)+"=")
	return append(b, text...)
}

// paint appends text in a colour; empty for none.
func (s *screen) paint(b []byte, color, text string) []byte {
	if !s.colors || color == "" {
		return append(b, text...)
	}
	return append(append(append(b, color...), text...), plain...)
}

func nameOf(level slog.Level) (name, color string) {
	switch {
	case level >= LevelCritical:
		return "CRIT ", bold + red
	case level >= slog.LevelError:
		return "ERROR", red
	case level >= slog.LevelWarn:
		return "WARN ", yellow
	case level >= slog.LevelInfo:
		return "INFO ", green
	default:
		return "DEBUG", blue
	}
}

// spelledOut is text in which control characters are, and what else could hide or
// turn what stands beside it.
func spelledOut(text string) string {
	if !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// markFrames makes the frames of the application's own code stand out in a block
// with a traceback: all but those of libraries and of Python itself.
func markFrames(block []byte) []byte {
	var b strings.Builder
	own := false
	for line := range strings.Lines(string(block)) {
		text := strings.TrimLeft(line, " ")
		if path, ok := strings.CutPrefix(text, `File "`); ok {
			path, _, _ = strings.Cut(path, `"`)
			own = !isLibrary(path)
		} else if !strings.HasPrefix(line, "      ") { // deeper than a frame: its source
			own = false
		}
		if own {
			b.WriteString(bold + strings.TrimSuffix(line, "\n") + plain + "\n")
		} else {
			b.WriteString(line)
		}
	}
	return []byte(b.String())
}

func isLibrary(path string) bool {
	return strings.HasPrefix(path, "<") || strings.Contains(path, "/site-packages/") || strings.Contains(path, "/dist-packages/") ||
		strings.Contains(path, "/lib/python")
}
