package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/certs"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/identity"
	"github.com/gowsgi/gowsgi/internal/supervisor"
	"github.com/gowsgi/gowsgi/internal/systemd"
	"github.com/gowsgi/gowsgi/internal/title"
	"github.com/gowsgi/gowsgi/internal/version"
)

// start is how this gowsgi was started: what a reload and an upgrade begin
// with.
type start struct {
	site          *bundle.Site // nil: this is gowsgi alone
	args, environ []string
	stdin         *os.File
	stdout        *os.File
	stderr        *os.File
	title         *title.Title
	umask         string // as inherited
	signals       *supervisor.Signals
	tickets       *certs.Tickets // of the gowsgi that this one takes over from; nil: none
}

// serve runs until it is told to stop. An error is told in the log if that is not
// where the last words go. A signal that ends gowsgi cancels starting.
func (s start) serve(ctx, starting context.Context, invocation config.Invocation) error {
	settings, err := absolute(invocation.Settings)
	if err != nil {
		return err
	}
	if err := identity.SetUmask(cmp.Or(settings.Umask, s.umask)); err != nil {
		return err
	}
	own := &ownLog{stderr: s.stderr}
	records, err := own.open(settings)
	if err != nil {
		return err
	}
	records.Use()
	defer func() { own.current.Close() }()
	log := slog.New(own)
	own.note(append(invocation.Notes, absentFolders(settings)...))
	err = s.supervise(ctx, starting, settings, log, own)
	if err == nil {
		return nil
	}
	var interrupted *supervisor.Interrupted
	if errors.As(err, &interrupted) {
		log.Info("stopped before it served", "event", "gowsgi.stopped", "reason", interrupted.Signal)
		return nil
	}
	if !own.onStderr() {
		log.Error("cannot go on", "event", "gowsgi.failed", "reason", err.Error(), "traceback", tracebackOf(err))
	}
	return err
}

func (s start) supervise(ctx, starting context.Context, settings config.Settings, log *slog.Logger, own *ownLog) error {
	s.title.Set("gowsgi", "gowsgi: supervisor ["+settings.Title()+"]")
	first, err := s.deploy(starting, settings, log)
	if cause := context.Cause(starting); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	first.Logs = own.current
	if err := handLogs(first); err != nil {
		return err
	}
	if warning := first.Identity.Warning; warning != "" {
		log.Warn(warning, "event", "gowsgi.root")
	}
	log.Info("starting", "event", "gowsgi.starting",
		"gowsgi", version.Version, "go", goVersion(),
		"python", first.Python.Version, "prefix", first.Python.Prefix, "found_by", first.Python.From, "pid", os.Getpid())
	place, err := program(s.site)
	if err != nil {
		return fmt.Errorf("where this program is cannot be found out: %w", err)
	}
	upgrade, err := s.upgrade(place)
	if err != nil {
		return err
	}
	return supervisor.Run(ctx, supervisor.Options{
		Deployment: first, Upgrade: upgrade, HandLogs: handLogs, Log: log,
		Load:  func(ctx context.Context) (supervisor.Deployment, error) { return s.load(ctx, place, own) },
		Stdin: s.stdin, Stdout: s.stdout, Stderr: s.stderr, Signals: s.signals, Tickets: s.tickets,
	})
}

// deploy finds what the settings lead to, and unpacks the worker for it.
func (s start) deploy(ctx context.Context, settings config.Settings, log *slog.Logger) (supervisor.Deployment, error) {
	plan, err := find(ctx, s.site, settings, func(interpreter string, patience time.Duration) {
		log.Warn("the application's Python has not answered yet", "event", "python.late", "interpreter", interpreter, "patience_seconds", patience.Seconds())
	})
	if err != nil {
		return supervisor.Deployment{}, err
	}
	program, err := plan.open(s.site)
	if err != nil {
		return supervisor.Deployment{}, err
	}
	d := plan.deployment(program)
	d.Umask = cmp.Or(settings.Umask, s.umask)
	return d, nil
}

// load reads the settings anew, for a reload: the same command line and
// environment, and what the file says now. place is where program was, at the start.
func (s start) load(ctx context.Context, place string, own *ownLog) (supervisor.Deployment, error) {
	invocation, err := config.LoadOver(inside(s.site), s.args, s.environ, os.ReadFile)
	if err != nil {
		return supervisor.Deployment{}, inOneLine(err)
	}
	settings, err := absolute(invocation.Settings)
	if err != nil {
		return supervisor.Deployment{}, err
	}
	records, err := own.open(settings)
	if err != nil {
		return supervisor.Deployment{}, err
	}
	next, err := s.deploy(ctx, settings, slog.New(own))
	if err != nil {
		records.Close()
		return supervisor.Deployment{}, err
	}
	next.Logs = records
	own.note(append(invocation.Notes, absentFolders(settings)...))
	if s.site != nil && s.site.Replaced(place) {
		next.Remark = place + " is another build by now, and a reload stays with the one that was started: " +
			"SIGUSR2, or the order upgrade, takes up the new one"
		slog.New(own).Warn(next.Remark, "event", "bundle.replaced")
	}
	return next, nil
}

// inOneLine is an error of config.Load for the log.
func inOneLine(err error) error {
	var problems *config.Problems
	if !errors.As(err, &problems) {
		return err
	}
	var texts []string
	for _, problem := range problems.List {
		texts = append(texts, problem.String())
	}
	return errors.New(strings.Join(texts, "; "))
}

// program is where this program, or the bundle that it is from, was found, or where it
// lies if it is called by a name that leads nowhere, or to another program: exec -a and
// systemd's ExecStart=@ give it any. A link stays one: an upgrade may have it lead
// elsewhere.
func program(site *bundle.Site) (string, error) {
	lies, err := os.Executable()
	if err != nil {
		lies = ""
	}
	if site != nil {
		lies, err = site.At, nil
	}
	path, called := exec.LookPath(os.Args[0])
	if called == nil {
		path, called = filepath.Abs(path)
	}
	if called != nil {
		return lies, err
	}
	this, err := os.Stat(lies)
	if err != nil {
		return path, nil
	}
	if found, err := os.Stat(path); err != nil || !os.SameFile(found, this) {
		return lies, nil
	}
	return path, nil
}

// upgrade prepares commands that start whatever program is then where this one
// was found, in the same way.
func (s start) upgrade(place string) (func() *exec.Cmd, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("the current folder is gone: %w", err)
	}
	return func() *exec.Cmd {
		cmd := exec.Command(place, s.args...)
		cmd.Args[0] = os.Args[0]
		cmd.Dir, cmd.Env = folder, systemd.ForSuccessor(s.environ)
		return cmd
	}, nil
}
