// Gowsgi-head is what a bundle begins with, and runs first: it finds gowsgi in what
// lies behind it, and becomes that. It is small, because a program that is executed
// cannot be compressed, and gowsgi can. See package bundle.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/logging"
)

const exitFailure = 1

func main() {
	mind()
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stderr))
}

// mind is about the signals that Go would take in another way than gowsgi does: SIGHUP
// asks for what is about to be done anyway, and SIGQUIT for an end without a stack. What
// whoever started this has ignored stays so, in gowsgi too; the others end this process,
// and what it unpacks is unpacked anew.
func mind() {
	received := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			signal.Notify(received, s)
		}
	}
	go func() {
		for s := range received {
			if s == syscall.SIGQUIT {
				os.Exit(exitFailure)
			}
		}
	}()
}

// run returns only if it cannot become gowsgi.
func run(ctx context.Context, args, environ []string, stderr *os.File) int {
	site, err := bundle.Own()
	if err == nil {
		err = site.Become(ctx, wanted(site, args, os.Getenv), environ)
	}
	if file, failed := logging.Open("", stderr); failed == nil { // it is never opened
		file.Say(slog.LevelError, "gowsgi: "+err.Error()+"\n")
	}
	return exitFailure
}

// wanted is the folder that --bundle-dir or its variable names. Of gowsgi's settings
// nothing else is known here, and only where gowsgi lies depends on it: gowsgi reads the
// command line again, and the file of settings.
func wanted(site *bundle.Site, args []string, getenv func(string) string) string {
	const option = "--bundle-dir"
	folder := getenv("GOWSGI_BUNDLE_DIR")
	if len(args) > 0 && site.IsCommand(args[0]) {
		return folder // the options are the command's
	}
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if value, tied := strings.CutPrefix(arg, option+"="); tied {
			folder = value
		} else if arg == option && i+1 < len(args) {
			folder = args[i+1]
		}
	}
	return folder
}
