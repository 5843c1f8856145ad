package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/supervisor"
)

// ownLog is what gowsgi itself logs. A reload may send it elsewhere.
type ownLog struct {
	logging.Switch
	stderr  *os.File
	loss    logging.Loss
	current *records
	noted   []config.Note // of the settings that were read last
}

// records is one place for it.
type records struct {
	of     *ownLog
	file   *logging.File
	syslog *logging.Syslog // nil: none
	level  slog.LevelVar
	log    *slog.Logger
}

// open prepares the place that the settings describe.
func (l *ownLog) open(s config.Settings) (*records, error) {
	file, err := logging.Open(s.ErrorLogfile, l.stderr)
	if err != nil {
		return nil, err
	}
	r := &records{of: l, file: file}
	options := logging.Options{To: file, Level: s.LogLevel, Var: &r.level, Format: s.LogFormat, Color: s.Color, Stderr: l.stderr, Loss: &l.loss}
	if s.LogSyslog {
		r.syslog = logging.NewSyslog(s.LogSyslogTo, s.LogSyslogFacility)
		options.Syslog = r.syslog
		if err := r.syslog.Connect(); err != nil {
			r.Close()
			return nil, err
		}
	}
	r.log = logging.New(options)
	return r, nil
}

// Use sends all records there from now on.
func (r *records) Use() {
	r.of.To(r.log)
	r.of.current = r
}

// Reopen opens the log file anew.
func (r *records) Reopen() error { return r.file.Reopen() }

// SetLevel changes what is logged there.
func (r *records) SetLevel(level string) { logging.SetLevel(&r.level, level) }

// Close is called when nothing is logged there any more.
func (r *records) Close() {
	r.syslog.Close()
	_ = r.file.Close() // nothing is left to be written
}

// onStderr tells whether whoever started gowsgi sees its log.
func (l *ownLog) onStderr() bool { return l.current.file.Standard() && l.current.syslog == nil }

// note says what is to be noted of the settings; after a reload, what is new.
func (l *ownLog) note(notes []config.Note) {
	for _, note := range notes {
		level := slog.LevelInfo
		if note.Warning {
			level = slog.LevelWarn
		}
		if !slices.Contains(l.noted, note) {
			slog.New(l).Log(context.Background(), level, note.Text, "event", "settings.note")
		}
	}
	l.noted = notes
}

// handLogs gives the log files to the workers, who open both as themselves.
// Streams stay whose they are.
func handLogs(d supervisor.Deployment) error {
	if d.Identity.Credential == nil {
		return nil
	}
	for _, path := range []string{d.Settings.ErrorLogfile, d.Settings.AccessLogfile} {
		file, err := logging.Open(path, nil)
		if err != nil {
			return err
		}
		if err := errors.Join(file.Chown(d.Identity.UID, d.Identity.GID), file.Close()); err != nil {
			return err
		}
	}
	return nil
}
