package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/bundle/build"
	"github.com/gowsgi/gowsgi/internal/bundle/inspect"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/console"
	"github.com/gowsgi/gowsgi/internal/identity"
	"github.com/gowsgi/gowsgi/internal/python"
)

// buildOrInspect runs gowsgi build or gowsgi inspect, if that is what args say.
func buildOrInspect(ctx context.Context, site *bundle.Site, args []string, stdout, stderr *os.File) (status int, done bool) {
	if len(args) == 0 {
		return 0, false
	}
	switch args[0] {
	case "inspect":
		return inspect.Run(args[1:], site, stdout, stderr), true
	case "build":
		if site != nil {
			fmt.Fprintln(stderr, "gowsgi: a bundle builds no other: call the gowsgi that it was built with")
			return exitSettings, true
		}
		return build.Run(ctx, args[1:], os.Args[0], stdout, stderr), true
	}
	return 0, false
}

// inside are the settings of a bundle; nil if this is none.
func inside(site *bundle.Site) *config.Inside {
	if site == nil {
		return nil
	}
	name := filepath.Base(os.Args[0])
	return &config.Inside{
		Name: "the settings inside " + name, Target: site.Target, TOML: site.Settings,
		Program: name, Commands: commands(site), Module: site.HasModule,
	}
}

// commands are what the bundle runs with the Python inside.
func commands(site *bundle.Site) []string {
	return append([]string{"python"}, slices.Sorted(maps.Keys(site.Scripts))...)
}

// become turns this process into the bundle's Python, if that is what args say: it
// returns only if they do not, or it cannot.
func become(ctx context.Context, site *bundle.Site, args, environ []string) error {
	if site == nil || len(args) == 0 || console.Is(args) {
		return nil
	}
	if !site.IsCommand(args[0]) {
		return nil
	}
	invocation, err := config.LoadOver(inside(site), nil, environ, os.ReadFile)
	if err != nil {
		return inOneLine(err)
	}
	folder, err := site.Unpack(ctx, invocation.Settings.BundleDir)
	if err != nil {
		return err
	}
	interpreter := folder.Python().Executable
	argv := []string{interpreter}
	if script, is := site.Scripts[args[0]]; is {
		argv = append(argv, folder.Join(script))
	}
	var env []string
	for _, entry := range environ {
		if !strings.HasPrefix(entry, "PYTHONHOME=") {
			env = append(env, entry)
		}
	}
	if err := folder.Keep(); err != nil {
		return err
	}
	// The first one of a name holds.
	err = syscall.Exec(interpreter, append(argv, args[1:]...), append(weakEnv(site, invocation.Settings.Env, environ), env...))
	return fmt.Errorf("%s cannot be started: %w", interpreter, err)
}

// weakEnv is the setting env. What it has from inside the bundle is weaker than the
// environment, as all that is inside; what the user says with --env is stronger.
func weakEnv(site *bundle.Site, env, environ []string) []string {
	within, err := config.LoadOver(inside(site), nil, nil, os.ReadFile)
	if err != nil || !slices.Equal(within.Settings.Env, env) {
		return env
	}
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc(environ, func(set string) bool { return strings.HasPrefix(set, name+"=") })
	})
}

// findInBundle is find where the bundle is the site: unpacked, and in use.
func findInBundle(ctx context.Context, site *bundle.Site, settings config.Settings, who identity.Identity) (found, error) {
	if settings.Venv != "" {
		return found{}, errors.New("--venv does not go together with a bundle, which has its own: leave it out, or $GOWSGI_VENV")
	}
	folder, err := site.Unpack(ctx, settings.BundleDir)
	if err != nil {
		return found{}, err
	}
	os.Unsetenv("PYTHONHOME") // of some other Python
	settings.Env = weakEnv(site, settings.Env, os.Environ())
	app := folder.Join(bundle.AppPath)
	settings.Pythonpath = append(settings.Pythonpath[:len(settings.Pythonpath):len(settings.Pythonpath)], folder.SearchPath()...)
	if settings.Chdir == "" {
		settings.Chdir = app
	} else {
		settings.Pythonpath = append(settings.Pythonpath, app)
		if settings.Target == site.Target {
			settings.Target = inFolder(app, site.Target)
		}
		settings.Mounts = mountsInFolder(site, app, settings.Mounts)
	}
	return found{settings: settings, who: who, python: folder.Python(), folder: folder}, nil
}

// inFolder is a target that is a file of the site's by its whole path; another one as
// it is.
func inFolder(app, target string) string {
	file, callable, _ := strings.Cut(target, ":")
	if !isFile(filepath.Join(app, file)) {
		return target
	}
	return strings.TrimSuffix(filepath.Join(app, file)+":"+callable, ":")
}

// mountsInFolder are mounts with such targets, if they are those inside the bundle, and
// not what the user has said instead.
func mountsInFolder(site *bundle.Site, app string, mounts []config.Mount) []config.Mount {
	within, err := config.LoadOver(inside(site), nil, nil, os.ReadFile)
	if err != nil || !reflect.DeepEqual(within.Settings.Mounts, mounts) {
		return mounts
	}
	mounts = slices.Clone(mounts)
	for i := range mounts {
		mounts[i].Target = inFolder(app, mounts[i].Target)
	}
	return mounts
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// open is the worker, ready to be started. What a cleaner has taken of a bundle's
// folder is put back before each start; if that fails, the worker says what it misses.
func (f found) open(site *bundle.Site) (*python.Program, error) {
	if f.folder == nil {
		return python.Inside().OpenAs(f.python, f.who.Credential)
	}
	worker, err := f.folder.Worker()
	if err != nil {
		return nil, err
	}
	return python.Checked(worker, f.python.Program, f.who.Credential, func() { _, _ = site.Unpack(context.Background(), f.settings.BundleDir) }), nil
}

// writeBundleHelp says what there is to do with bundles, or with the one that this is.
func writeBundleHelp(w io.Writer, site *bundle.Site) {
	if site == nil {
		fmt.Fprint(w, "\nFor a site in one executable (--help after each says more):\n"+
			"  gowsgi build [-o FILE] [OPTION…] TARGET\n      Make one, which runs without Python.\n"+
			"  gowsgi inspect [OPTION…] FILE\n      Show what is in one.\n")
		return
	}
	name := filepath.Base(os.Args[0])
	fmt.Fprintf(w, "\nThis is a bundle of %s, so TARGET may be left out. It also runs, with the Python inside:\n", site.Target)
	for _, script := range commands(site) {
		fmt.Fprintf(w, "  %s %s [ARGUMENT…]\n", name, script)
	}
	fmt.Fprintf(w, "  %s inspect [OPTION…]\n      Show what is inside.\n", name)
}

// bundled says what --version says of a bundle.
func bundled(site *bundle.Site) string {
	return fmt.Sprintf("bundle of %s with CPython %s\n", cmp.Or(site.Target, site.Name), site.Python.Version)
}
