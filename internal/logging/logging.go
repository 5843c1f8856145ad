package logging

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"
)

// New returns a logger that writes records of this level and above to w, each
// with a single Write. The level is one of Gunicorn's: debug, info, warning,
// error or critical; anything else means info. On a terminal the time of day
// replaces the full time stamp.
func New(w io.Writer, level string, terminal bool) *slog.Logger {
	return slog.New(newBlockHandler(w, &slog.HandlerOptions{
		Level: parseLevel(level),
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if terminal && len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
				a.Value = slog.StringValue(a.Value.Time().Format("15:04:05.000"))
			}
			return a
		},
	}))
}

func parseLevel(name string) slog.Level {
	switch strings.ToLower(name) {
	case "debug":
		return slog.LevelDebug
	case "warning", "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	case "critical":
		return slog.LevelError + 4
	default:
		return slog.LevelInfo
	}
}

// Open opens the log file at path to append to, and makes it if need be. For
// the paths "-" and "" it returns standard, which the caller must not close.
func Open(path string, standard *os.File) (*os.File, error) {
	if path == "-" || path == "" {
		return standard, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, fmt.Errorf("the log file %s cannot be opened for writing: %w: create its folder, or set another path", path, err)
	}
	return file, nil
}

// Terminal tells whether somebody sees what is written to file as it comes.
func Terminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }
