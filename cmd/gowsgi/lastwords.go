package main

import (
	"errors"
	"log/slog"
	"os"
	"strings"

	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/supervisor"
)

// sayLast says on standard error why gowsgi ends: as a record if the log is to be
// JSON, since the same program reads both, else for people: a traceback, if there is
// one, and then the reason.
func sayLast(stderr *os.File, format, reason, traceback string) {
	file, err := logging.Open("", stderr)
	if err != nil {
		return // it is never opened
	}
	if format == "json" {
		attrs := []any{"event", "gowsgi.failed", "reason", reason}
		if traceback != "" {
			attrs = append(attrs, "traceback", traceback)
		}
		logging.New(logging.Options{To: file, Format: format}).Error("cannot go on", attrs...)
		return
	}
	text := "gowsgi: " + reason + "\n"
	if traceback != "" {
		text = strings.TrimRight(traceback, "\n") + "\n" + text
	}
	file.Say(slog.LevelError, text)
}

// tracebackOf is Python's, if an exception or a crash is why a worker could not
// start.
func tracebackOf(err error) string {
	var failed *supervisor.StartError
	if errors.As(err, &failed) {
		return failed.Traceback
	}
	return ""
}
