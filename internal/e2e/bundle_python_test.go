package e2e

import (
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// library is the libpython that a program needs; empty if it has all in itself.
func library(t testing.TB, program string) string {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Skipf("%s cannot be bundled: %v", program, err)
	}
	defer file.Close()
	names, err := file.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	if at := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, "libpython") }); at >= 0 {
		return names[at]
	}
	return ""
}

// systemPython is the distribution's own, if it is the CPython that is tested.
func systemPython(t testing.TB) Python {
	t.Helper()
	const command = "/usr/bin/python3"
	if _, err := os.Stat(command); err != nil {
		t.Skip("the system has no Python: ", err)
	}
	python := findPython(t, command)
	if name := findPython(t, defaultPython()).Name; python.Name != name {
		t.Skipf("%s is CPython %s, and %s is tested", command, python.Name, name)
	}
	return python
}

// A bundle has a libpython if its interpreter needs one: Debian's does not.
func TestBundleHoldsTheInterpreterAsItWasBuilt(t *testing.T) {
	for name, python := range map[string]func(t testing.TB) Python{
		"the one that is tested": func(t testing.TB) Python { return findPython(t, defaultPython()) },
		"the system's own":       systemPython,
	} {
		t.Run(name, func(t *testing.T) {
			venv := python(t).PlainVenv(t)
			program, err := filepath.EvalSymlinks(filepath.Join(venv, "bin", "python"))
			if err != nil {
				t.Fatal(err)
			}
			source := t.TempDir()
			write(t, filepath.Join(source, "where.py"), `"""Tells which program runs it, and what that is made of."""
import os
import ssl  # a module with libraries of its own
import sys


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    with open("/proc/self/maps") as maps:
        files = {line.split(None, 5)[5].strip() for line in maps if "/" in line}
    yield os.readlink("/proc/self/exe").encode() + b"\n"
    yield "".join(file + "\n" for file in sorted(files) if "libpython" in file).encode()
`)
			bundle := filepath.Join(t.TempDir(), "site")
			if result := build(t, source, bundle, venv, "where:application"); result.Status != 0 {
				t.Fatalf("status %d: %s", result.Status, result.Errors)
			}
			for _, args := range [][]string{nil, {"--preload"}} {
				place := unpackedIn(t)
				s := Start(t, Options{Program: bundle, Args: append([]string{"--bundle-dir", place}, args...), Dir: t.TempDir()})
				whole, _ := sitesIn(t, place)
				if len(whole) != 1 {
					t.Fatalf("%q", whole)
				}
				site := filepath.Join(place, whole[0], "python")
				want := filepath.Join(site, "bin", "python"+python(t).Name) + "\n"
				if name := library(t, program); name != "" {
					want += filepath.Join(site, "lib", name) + "\n"
				}
				Parallel(t, 10, func(t testing.TB, _ int) { s.Client(t).Get("/").Want(t, 200, want) })
			}
		})
	}
}

// The loader takes some bytes of a path for the end of it.
func TestBundleServesFromWhereTheLoaderWouldMisreadThePath(t *testing.T) {
	place := filepath.Join(unpackedIn(t), "a b;c")
	if err := os.MkdirAll(place, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--with-libc"}} {
		s := Start(t, Options{Program: helloBundle(t, args...), Args: []string{"--bundle-dir", place}, Dir: t.TempDir()})
		s.Client(t).Get("/").WantPart(t, 200, "hello from "+place)
	}
}
