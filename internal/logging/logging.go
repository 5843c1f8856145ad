package logging

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Options say what a log looks like.
type Options struct {
	// To is where records go, each with a single Write. If it is a *File, what
	// stands behind it is looked at: a terminal gets the time of day for the
	// whole time stamp, systemd's journal gets priorities and no time.
	To io.Writer
	// Level is the least serious one: debug, info, warning, error or critical,
	// Gunicorn's; anything else means info.
	Level string
	// Var holds the level, for those who change it later; nil if nobody does.
	Var *slog.LevelVar
	// Format is text or json; anything else means text.
	Format string
	// Color is auto, always or never: whether there are colours. auto, or empty:
	// on a terminal, unless $NO_COLOR is set.
	Color string
	// Syslog takes the records instead, nil for none. To then gets those that
	// cannot be sent.
	Syslog *Syslog
	// Stderr is where it is said that a log file cannot be written; nil for nowhere.
	Stderr *os.File
	// Loss counts the records that are lost; nil for a count of the logger's own. A
	// log that follows another goes on with the other's.
	Loss *Loss
}

// LevelCritical is critical, which slog does not have.
const LevelCritical = slog.LevelError + 4

// New returns a logger.
func New(o Options) *slog.Logger {
	if o.Var == nil {
		o.Var = new(slog.LevelVar)
	}
	SetLevel(o.Var, o.Level)
	emit, f := appendTo(o.To), form{level: o.Var, json: o.Format == "json"}
	if file, ok := o.To.(*File); ok {
		f.terminal = file.Terminal()
		if !f.json && file.journal() {
			emit, f.untimed = prefixed(o.To), true
		}
	}
	f.paint(o.Color, os.Getenv("NO_COLOR"))
	local := newHandler(f, emit)
	local.out.loss = newLoss(o)
	if o.Syslog == nil {
		return slog.New(local)
	}
	f.terminal, f.untimed = false, !f.json // syslog has the time
	f.screen, f.colors = false, false
	remote := newHandler(f, o.Syslog.emit)
	remote.local = local
	return slog.New(remote)
}

// form is what records look like.
type form struct {
	level    slog.Leveler
	json     bool
	terminal bool // the time of day is enough
	untimed  bool // whoever gets it notes the time
	screen   bool // people read it as it comes
	colors   bool
}

// paint decides on colours; no is $NO_COLOR. JSON has none.
func (f *form) paint(color, no string) {
	f.screen = !f.json && (f.terminal || color == "always")
	f.colors = f.screen && color != "never" && (color == "always" || no == "")
}

func (f form) options() *slog.HandlerOptions {
	return &slog.HandlerOptions{Level: f.level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch value := a.Value.Any().(type) {
		case time.Time:
			if f.terminal && !f.json && a.Key == slog.TimeKey {
				a.Value = slog.StringValue(value.Format("15:04:05.000"))
			}
		case slog.Level:
			if value == LevelCritical && a.Key == slog.LevelKey {
				a.Value = slog.StringValue("CRITICAL")
			}
		}
		return a
	}}
}

// SetLevel sets a level by its name; see Options.
func SetLevel(v *slog.LevelVar, name string) { v.Set(parseLevel(name)) }

func parseLevel(name string) slog.Level {
	switch strings.ToLower(name) {
	case "debug":
		return slog.LevelDebug
	case "warning", "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	case "critical":
		return LevelCritical
	default:
		return slog.LevelInfo
	}
}

// LevelOf is the level of a record of Python's logging: 10, 20, 30, 40 and 50
// are debug, info, warning, error and critical, and what lies between stays
// between.
func LevelOf(python int) slog.Level { return slog.Level((python - 20) * 4 / 10) }

// The severities of syslog (RFC 5424, 6.2.1), which the journal has, too.
const (
	severityCritical = 2
	severityError    = 3
	severityWarning  = 4
	severityInfo     = 6
	severityDebug    = 7
)

func severity(level slog.Level) int {
	switch {
	case level >= LevelCritical:
		return severityCritical
	case level >= slog.LevelError:
		return severityError
	case level >= slog.LevelWarn:
		return severityWarning
	case level >= slog.LevelInfo:
		return severityInfo
	default:
		return severityDebug
	}
}
