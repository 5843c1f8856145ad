package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/supervisor"
)

// checkConfig says what would be served how, and tries whether addresses and files
// can be had and the application loads, in a worker that serves nothing. The error has
// all that is wrong.
func checkConfig(ctx context.Context, site *bundle.Site, invocation config.Invocation, stdout, stderr *os.File) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	settings, err := absolute(invocation.Settings)
	if err != nil {
		return err
	}
	plan, err := find(ctx, site, settings, func(interpreter string, patience time.Duration) {
		fmt.Fprintf(stderr, "gowsgi: %s has not answered yet, and is waited for another %v\n", printable(interpreter), patience)
	})
	if err != nil {
		return err
	}
	notes, problems := try(plan)
	invocation.Notes = append(invocation.Notes, absentFolders(settings)...)
	for _, note := range notes {
		invocation.Notes = append(invocation.Notes, config.Note{Text: note})
	}
	if err := writePlan(stdout, plan, invocation); err != nil {
		return err
	}
	if err := loads(ctx, site, plan, stdout, stderr); err != nil {
		problems = append(problems, err)
	}
	return inLines(problems)
}

// try finds out whether what gowsgi opens before it starts a worker can be had.
func try(plan found) (notes []string, problems []error) {
	s := plan.settings
	for _, path := range []string{s.ErrorLogfile, s.AccessLogfile} {
		if err := logging.Try(path); err != nil {
			problems = append(problems, err)
		}
	}
	if s.LogSyslog {
		syslog := logging.NewSyslog(s.LogSyslogTo, s.LogSyslogFacility)
		if err := syslog.Connect(); err != nil {
			problems = append(problems, err)
		}
		syslog.Close()
	}
	notes, more := supervisor.Try(plan.deployment(nil))
	return notes, append(problems, more...)
}

// loads tries whether the application does, and says how long it took.
func loads(ctx context.Context, site *bundle.Site, plan found, stdout, stderr *os.File) error {
	program, err := plan.open(site)
	if err != nil {
		return err
	}
	defer program.Close()
	loading, err := supervisor.Check(ctx, supervisor.Options{
		Deployment: plan.deployment(program),
		Log:        slog.New(slog.DiscardHandler), Stdout: stdout, Stderr: stderr,
	})
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted while the application was loading")
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "application loaded in %.1f s\n", loading.Seconds())
	return err
}

// inLines are problems as one error, each on a line in gowsgi's name.
func inLines(problems []error) (all error) {
	for _, problem := range problems {
		if all == nil {
			all = problem
		} else {
			all = fmt.Errorf("%w\ngowsgi: %w", all, problem)
		}
	}
	return all
}

// writePlan writes what gowsgi would do as a table.
func writePlan(w io.Writer, plan found, invocation config.Invocation) error {
	var table strings.Builder
	for _, row := range planRows(plan, invocation) {
		writeRow(&table, row[0], row[1:])
	}
	_, err := io.WriteString(w, table.String())
	return err
}

// printable is a value with what is no UTF-8 in it spelled out.
func printable(value string) string {
	if utf8.ValidString(value) {
		return value
	}
	quoted := strconv.Quote(value)
	return quoted[1 : len(quoted)-1]
}

const (
	nameColumn = 15
	tableWidth = 80
)

// writeRow writes a name and, in a second column, values that each start on a
// line of their own and go on below if they are too long.
func writeRow(table *strings.Builder, name string, values []string) {
	for _, value := range values {
		line := ""
		flush := func() {
			fmt.Fprintf(table, "%-*s%s\n", nameColumn, name, line)
			name, line = "", ""
		}
		for _, word := range strings.Fields(printable(value)) {
			switch {
			case line == "":
				line = word
			case nameColumn+len(line)+1+len(word) > tableWidth:
				flush()
				line = word
			default:
				line += " " + word
			}
		}
		flush()
	}
}
