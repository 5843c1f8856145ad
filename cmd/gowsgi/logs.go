package main

import (
	"errors"
	"log/slog"
	"os"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/supervisor"
)

// journal is what gowsgi itself logs. A reload may send it elsewhere.
type journal struct {
	logging.Switch
	stderr  *os.File
	current *records
}

// records is one place for it.
type records struct {
	journal *journal
	file    *logging.File
	syslog  *logging.Syslog // nil: none
	log     *slog.Logger
}

// open prepares the place that the settings describe.
func (j *journal) open(s config.Settings) (*records, error) {
	file, err := logging.Open(s.ErrorLogfile, j.stderr)
	if err != nil {
		return nil, err
	}
	r := &records{journal: j, file: file}
	options := logging.Options{To: file, Level: s.LogLevel, Format: s.LogFormat}
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
	r.journal.To(r.log)
	r.journal.current = r
}

// Reopen opens the log file anew.
func (r *records) Reopen() error { return r.file.Reopen() }

// Close is called when nothing is logged there any more.
func (r *records) Close() {
	r.syslog.Close()
	_ = r.file.Close() // nothing is left to be written
}

// onStderr tells whether whoever started gowsgi sees its log.
func (j *journal) onStderr() bool { return j.current.file.Standard() && j.current.syslog == nil }

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
