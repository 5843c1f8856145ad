package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `Usage: gowsgi build [-o FILE] [OPTION…] [gowsgi's own OPTION…] TARGET

Makes one executable of a site: gowsgi, CPython, the packages of the site's
virtualenv, and the application's folder (the current one, or --chdir). It runs
on a Linux machine without Python. gowsgi's own options, and those of -c FILE or
gowsgi.toml, are the site's settings from then on; the environment is not looked
at.

  -o, --output FILE   The executable; else what TARGET begins with, or site
                      where a folder is called so.
      --include GLOB  Take in what .gitignore names, or what looks like a
                      secret; may be repeated. data/*.json, **/*.mo
      --exclude GLOB  Leave that out; may be repeated.
      --with-libc     Take the C library along: the executable runs in an empty
                      root folder, and on older distributions.
      --full          Take in the standard library's tests, IDLE, Tk, nis,
                      ensurepip and the texts of help(), distutils, lib2to3
                      and dbm.ndbm where nothing uses them, pip, and packages'
                      .po files beside the .mo files made of them.
`

// Run is gowsgi build; args are those behind build.
func Run(ctx context.Context, args []string, program string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	o, rest, err := parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "gowsgi build: %v; gowsgi build --help says how to write it\n", err)
		return exitUsage
	}
	invocation, err := config.Load(rest, nil, os.ReadFile)
	if invocation.Action == config.Help {
		fmt.Fprint(stdout, usage)
		return exitOK
	}
	var problems *config.Problems
	if errors.As(err, &problems) && len(problems.List) == 1 {
		err = errors.New(problems.List[0].String())
		if strings.HasSuffix(err.Error(), " --help lists them") {
			err = fmt.Errorf("%w, and gowsgi build --help those of gowsgi build", err)
		}
	}
	if err == nil && invocation.Action != config.Serve {
		err = errors.New("the executable itself can be asked for its version and its settings: leave that option out")
	}
	if err != nil {
		fmt.Fprintf(stderr, "gowsgi: %v\n", err)
		return exitUsage
	}
	o.Settings, o.Program = invocation.Settings, program
	o.Found = func(p control.Python) {
		fmt.Fprintf(stderr, "CPython %s and its packages: %s, by %s\n", p.Version, p.Prefix, p.From)
	}
	if o.Output == "" {
		o.Output = outputOf(o)
	}
	manifest, err := Build(ctx, o)
	if ctx.Err() != nil {
		err = errors.New("interrupted, and nothing was made")
	}
	if err != nil {
		fmt.Fprintf(stderr, "gowsgi: %v\n", err)
		return exitFailed
	}
	for _, note := range manifest.Notes {
		fmt.Fprintf(stderr, "note: %s\n", note)
	}
	describe(stdout, o, manifest)
	return exitOK
}

// describe says what was made.
func describe(w io.Writer, o Options, m *bundle.Manifest) {
	size := int64(0)
	if info, err := os.Stat(o.Output); err == nil {
		size = info.Size()
	}
	runs := "runs with glibc " + cmp.Or(m.Glibc, "of any version") + " or newer"
	if m.Loader != "" {
		runs = "runs with any C library, or none"
	}
	fmt.Fprintf(w, "%s: %.1f MB (%.1f MB unpacked), %s with CPython %s and %d packages, %s\n",
		o.Output, float64(size)/1e6, float64(m.Size())/1e6, m.Target, m.Python.Version, len(m.Packages), runs)
}

// parse takes build's own options out of args.
func parse(args []string) (o Options, rest []string, err error) {
	values := map[string]func(string){
		"-o": func(v string) { o.Output = v }, "--output": func(v string) { o.Output = v },
		"--include": func(v string) { o.Include = append(o.Include, v) },
		"--exclude": func(v string) { o.Exclude = append(o.Exclude, v) },
	}
	switches := map[string]*bool{"--with-libc": &o.WithLibc, "--full": &o.Full}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		name, value, tied := strings.Cut(arg, "=")
		if !strings.HasPrefix(arg, "--") && strings.HasPrefix(arg, "-o") && len(arg) > 2 {
			name, value, tied = "-o", arg[2:], true
		}
		set, takes := values[name]
		switch on := switches[name]; {
		case arg == "--":
			return o, append(rest, args[i:]...), nil
		case takes && tied:
			set(value)
		case takes && i+1 == len(args):
			return o, nil, fmt.Errorf("%s: the value is missing", name)
		case takes:
			i++
			set(args[i])
		case on != nil && tied:
			return o, nil, fmt.Errorf("%s takes no value", name)
		case on != nil:
			*on = true
		default:
			if err := checkForeign(name); err != nil {
				return o, nil, err
			}
			rest = append(rest, arg)
		}
	}
	for _, pattern := range slices.Concat(o.Include, o.Exclude) {
		if !doublestar.ValidatePattern(pattern) {
			return o, nil, fmt.Errorf("%q is no pattern", pattern)
		}
	}
	return o, rest, nil
}
