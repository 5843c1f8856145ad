// Gowsgi serves WSGI applications. It reads the settings, finds the CPython
// that the application belongs to, and supervises the worker processes, which
// hold Python and serve.
//
// This program is built without cgo: it starts on a machine that has no
// libpython, and can say what is missing.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/identity"
	"github.com/gowsgi/gowsgi/internal/logging"
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
	environ := os.Environ()
	invocation, err := config.Load(args, environ, os.ReadFile)
	if err != nil {
		return refuse(stderr, err)
	}
	settings := invocation.Settings
	switch invocation.Action {
	case config.Help:
		err = config.WriteHelp(stdout, 80)
	case config.Version:
		writeVersion(stdout)
	case config.PrintConfig:
		err = settings.WriteTOML(stdout)
	case config.CheckConfig:
		err = checkConfig(ctx, invocation, stdout, stderr)
	case config.Serve:
		err = start{args, environ, stdin, stdout, stderr, title, identity.Umask()}.serve(ctx, invocation)
	}
	if err != nil {
		fmt.Fprintf(stderr, "gowsgi: %v\n", err)
		return exitFailure
	}
	return exitOK
}

// refuse says what is wrong with the settings, on one line if it is one thing.
func refuse(stderr *os.File, err error) int {
	var problems *config.Problems
	if errors.As(err, &problems) && len(problems.List) == 1 {
		fmt.Fprintf(stderr, "gowsgi: %s\n", problems.List[0])
	} else {
		fmt.Fprintf(stderr, "gowsgi: %v\n", err)
	}
	return exitSettings
}
