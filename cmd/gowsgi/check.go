package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/python"
)

// checkConfig does what serve does until the first thing that others could
// notice.
func checkConfig(ctx context.Context, settings config.Settings, stdout io.Writer) error {
	settings, err := absolute(settings)
	if err != nil {
		return err
	}
	found, err := python.Find(ctx, settings.Venv)
	if err != nil {
		return err
	}
	if err := python.Inside().Check(found); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "configuration is valid: %s on %s, CPython %s from %s, workers: %d, threads: %d\n",
		settings.Target, strings.Join(settings.Bind, " "), found.Version, found.Prefix, settings.Workers, settings.Threads)
	return nil
}
