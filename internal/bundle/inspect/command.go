// Package inspect shows what is in a bundle: gowsgi inspect.
package inspect

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gowsgi/gowsgi/internal/bundle"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Run is gowsgi inspect; args are those behind it. own is the bundle that this
// program is, or nil.
func Run(args []string, own *bundle.Site, stdout, stderr io.Writer) int {
	set := pflag.NewFlagSet("gowsgi inspect", pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.SortFlags = false
	files := set.Bool("files", false, "list every file, with its SHA-256")
	sbom := set.String("sbom", "", "write a CycloneDX SBOM, as JSON, to `FILE`; - is standard output")
	help := set.BoolP("help", "h", false, "print this")
	err := set.Parse(args)
	site := own
	switch {
	case err == nil && *help:
		fmt.Fprintf(stdout, "Usage: gowsgi inspect [OPTION…] FILE\n\nShows what is in an executable that gowsgi build has made, and checks all of it.\n\n%s", set.FlagUsages())
		return exitOK
	case err == nil && set.NArg() > 1:
		err = fmt.Errorf("%q is too much", set.Arg(1))
	case err == nil && set.NArg() == 0 && own == nil:
		err = fmt.Errorf("it wants the executable that is to be shown")
	}
	if err != nil {
		fmt.Fprintf(stderr, "gowsgi inspect: %v; gowsgi inspect --help says how to write it\n", err)
		return exitUsage
	}
	if set.NArg() == 1 {
		if site, err = bundle.Open(set.Arg(0)); err == nil {
			defer site.Close()
		}
	}
	if err == nil {
		err = site.Verify()
	}
	if err == nil {
		err = show(site, *files, *sbom, stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "gowsgi: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func show(site *bundle.Site, files bool, sbom string, stdout io.Writer) error {
	switch {
	case sbom == "-":
		return writeSBOM(site, stdout)
	case sbom != "":
		file, err := os.Create(sbom)
		if err != nil {
			return err
		}
		err = writeSBOM(site, file)
		if closing := file.Close(); err == nil {
			err = closing
		}
		return err
	}
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-15s%s\n", name, fmt.Sprintf(format, args...))
	}
	row("application", "%s", site.Target)
	row("hash", "%s", site.Hash)
	row("gowsgi", "%s", site.Gowsgi)
	row("CPython", "%s", site.Python.Version)
	if site.Loader != "" {
		row("C library", "inside")
	} else {
		row("C library", "glibc %s or newer", cmp.Or(site.Glibc, "of any version"))
	}
	row("size", "head %.1f MB, archive %.1f MB, unpacked gowsgi %.1f MB, and %.1f MB in %d files",
		mb(site.Head.Size), mb(site.Archive.Size), mb(site.Program.Size), mb(site.Size()), len(site.Files))
	for _, part := range parts(site) {
		row("", "%-24s %8.1f MB", part.name, mb(part.size))
	}
	if site.Settings != "" {
		for i, line := range strings.Split(strings.TrimSpace(site.Settings), "\n") {
			row(first(i, "settings"), "%s", line)
		}
	}
	for i, p := range site.Packages {
		row(first(i, "packages"), "%-24s %-12s %s", p.Name, p.Version, cmp.Or(p.Licence, "licence not told"))
	}
	for i, name := range commands(site) {
		row(first(i, "commands"), "%s", name)
	}
	for i, note := range site.Notes {
		row(first(i, "notes"), "%s", note)
	}
	if files {
		for _, file := range site.Files {
			if file.Link != "" {
				fmt.Fprintf(&b, "%-64s %9s %s -> %s\n", "", "link", file.Path, file.Link)
			} else {
				fmt.Fprintf(&b, "%s %9d %s\n", file.SHA256, file.Size, file.Path)
			}
		}
	}
	_, err := io.WriteString(stdout, b.String())
	return err
}

func mb(size int64) float64 { return float64(size) / 1e6 }

// first is a row's name, which stands once.
func first(i int, name string) string {
	if i == 0 {
		return name
	}
	return ""
}

type part struct {
	name string
	size int64
}

// parts are what the files are for, largest first.
func parts(site *bundle.Site) []part {
	sizes := map[string]int64{}
	for _, file := range site.Files {
		name := file.Path
		switch top, rest, _ := strings.Cut(name, "/"); {
		case top == bundle.AppPath:
			name = "application"
		case top == bundle.VenvPath, top == "paths":
			name = "packages"
		case path.Dir(name) == bundle.LibrariesPath:
			name = "shared libraries"
		case top == bundle.PythonPath && strings.HasPrefix(rest, "lib"):
			name = "standard library"
		case top == bundle.PythonPath:
			name = "interpreter"
		}
		sizes[name] += file.Size
	}
	var all []part
	for name, size := range sizes {
		all = append(all, part{name, size})
	}
	slices.SortFunc(all, func(a, b part) int { return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.name, b.name)) })
	return all
}

// commands are what the bundle can be told to run.
func commands(site *bundle.Site) []string {
	names := []string{"python"}
	for name := range site.Scripts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
