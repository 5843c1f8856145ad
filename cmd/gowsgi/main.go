// Gowsgi serves WSGI applications. It reads the settings, finds the CPython
// that the application belongs to, and supervises the worker processes, which
// hold Python and serve.
//
// This program is built without cgo: it starts on a machine that has no
// Python, and can say what is missing.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/console"
	"github.com/gowsgi/gowsgi/internal/identity"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/supervisor"
	"github.com/gowsgi/gowsgi/internal/title"
)

// Exit statuses.
const (
	exitOK       = 0
	exitFailure  = 1
	exitSettings = 2 // something that the user wrote is wrong
)

func main() {
	title := title.Take() // before anybody looks at os.Args
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, logging.Apart(os.Stdout), logging.Apart(os.Stderr), title))
}

// run does what args say and returns the exit status. stdin is for --debug.
func run(ctx context.Context, args []string, stdin, stdout, stderr *os.File, title *title.Title) int {
	site, err := bundle.Inherit()
	environ := os.Environ()
	if err == nil {
		err = become(ctx, site, args, environ)
	}
	if err != nil {
		sayLast(stderr, "", err.Error(), "")
		return exitFailure
	}
	if console.Is(args) {
		return console.Run(ctx, args, stdin, stdout, stderr)
	}
	if status, done := buildOrInspect(ctx, site, args, stdout, stderr); done {
		return status
	}
	signals, tickets := supervisor.TakeSignals(), certs.Inherit()
	starting, started := signals.Starting(ctx)
	defer started()
	invocation, err := load(starting, site, args, environ)
	var interrupted *supervisor.Interrupted
	if errors.As(err, &interrupted) {
		sayLast(stderr, "", err.Error(), "")
		return exitFailure
	}
	if err != nil {
		return refuse(stderr, invocation, err)
	}
	if invocation.Action != config.Serve {
		started()
		signals.Release()
	}
	settings := invocation.Settings
	switch invocation.Action {
	case config.Help:
		err = config.WriteHelp(stdout, 80)
		writeBundleHelp(stdout, site)
		fmt.Fprintf(stdout, "\nFor a gowsgi that runs (--help after each says more):\n%s", console.Help())
	case config.Version:
		writeVersion(stdout, site)
	case config.PrintConfig:
		err = settings.WriteTOML(stdout)
	case config.CheckConfig:
		err = checkConfig(ctx, site, invocation, stdout, stderr)
	case config.Serve:
		err = start{site, args, environ, stdin, stdout, stderr, title, identity.Umask(), signals, tickets}.serve(ctx, starting, invocation)
	}
	if err != nil {
		sayLast(stderr, formatOf(invocation), err.Error(), tracebackOf(err))
		return statusOf(err)
	}
	return exitOK
}

// statusOf is the exit status for what keeps gowsgi from serving.
func statusOf(err error) int {
	var failed *supervisor.StartError
	if config.IsWrong(err) || errors.As(err, &failed) && failed.Wrong {
		return exitSettings
	}
	return exitFailure
}

// load reads the settings, as long as starting lasts: the file may be a pipe in which
// nothing comes.
func load(starting context.Context, site *bundle.Site, args, environ []string) (config.Invocation, error) {
	var invocation config.Invocation
	var err error
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		invocation, err = config.LoadOver(inside(site), args, environ, os.ReadFile)
	}()
	select {
	case <-loaded:
		return invocation, err
	case <-starting.Done():
		return config.Invocation{}, context.Cause(starting)
	}
}

// formatOf is what is known of the log's format; only who serves has a log.
func formatOf(invocation config.Invocation) string {
	if invocation.Action != config.Serve {
		return ""
	}
	return invocation.Settings.LogFormat
}

// refuse says what is wrong with the settings, on one line if it is one thing.
func refuse(stderr *os.File, invocation config.Invocation, err error) int {
	format, reason := formatOf(invocation), err.Error()
	var problems *config.Problems
	if errors.As(err, &problems) && (len(problems.List) == 1 || format == "json") {
		reason = inOneLine(err).Error()
	}
	sayLast(stderr, format, reason, "")
	return exitSettings
}
