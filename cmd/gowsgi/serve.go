package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/python"
	"github.com/gowsgi/gowsgi/internal/supervisor"
	"github.com/gowsgi/gowsgi/internal/version"
)

// serve runs until it is told to stop. An error is told on stderr, and in the
// log as well if that is somewhere else.
func serve(ctx context.Context, settings config.Settings, stdout, stderr *os.File) error {
	settings, err := absolute(settings)
	if err != nil {
		return err
	}
	file, err := logging.Open(settings.ErrorLogfile, stderr)
	if err != nil {
		return err
	}
	log := logging.New(file, settings.LogLevel, logging.Terminal(file))
	if file != stderr {
		defer file.Close()
	}
	err = supervise(ctx, supervisor.Options{Settings: settings, Log: log, Stdout: stdout, Stderr: stderr})
	if err == nil {
		return nil
	}
	traceback := ""
	var failed *supervisor.StartError
	if errors.As(err, &failed) && failed.Traceback != "" {
		traceback = failed.Traceback
		fmt.Fprintln(stderr, strings.TrimRight(traceback, "\n"))
	}
	if file != stderr {
		log.Error("cannot start", "event", "gowsgi.failed", "reason", err, "traceback", traceback)
	}
	return err
}

// supervise finds the application's Python and the worker for it, and runs.
func supervise(ctx context.Context, o supervisor.Options) error {
	found, err := python.Find(ctx, o.Settings.Venv)
	if err != nil {
		return err
	}
	o.Log.Info("starting", "event", "gowsgi.starting",
		"gowsgi", version.Version, "go", strings.TrimPrefix(runtime.Version(), "go"),
		"python", found.Version, "prefix", found.Prefix, "pid", os.Getpid())
	program, err := python.Inside().Open(found)
	if err != nil {
		return err
	}
	defer program.Close()
	o.Python, o.Program = found, program
	return supervisor.Run(ctx, o)
}
