package e2e

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// executable is the file of the python that tests run.
func executable(t *testing.T) string {
	t.Helper()
	program, err := filepath.EvalSymlinks(filepath.Join(PlainVenv(t), "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// exports tells whether others find a name in an executable.
func exports(t *testing.T, program, name string) bool {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == name && s.Section != elf.SHN_UNDEF })
}

// watchGIL builds testdata/gil_watch.c and returns the environment that loads it
// into the worker.
func watchGIL(t *testing.T) []string {
	t.Helper()
	if program := executable(t); exports(t, program, "Py_DecRef") {
		t.Skipf("%s has Python's functions itself, and nothing can come before it", program)
	}
	library := filepath.Join(t.TempDir(), "gil_watch.so")
	build := exec.Command("gcc", "-shared", "-fPIC", "-Wall", "-Wextra", "-o", library, "testdata/gil_watch.c", "-ldl")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return []string{"LD_PRELOAD=" + library, "GIL_WATCH_TELLS=1"}
}

// Whatever Go asks of Python while the application is loaded, and until the
// worker stops, it asks with the GIL.
func TestGoHoldsTheGILWheneverItCallsPython(t *testing.T) {
	env := watchGIL(t)
	check := func(t *testing.T, log string) {
		t.Helper()
		if !strings.Contains(log, "watched: Py_DecRef") {
			t.Error("nothing was watched")
		}
		for line := range strings.Lines(log) {
			if strings.Contains(line, "without the GIL") {
				t.Error(line)
			}
		}
	}
	for _, target := range []string{
		"startup_targets", "startup_targets.py:app", "startup_file.wsgi", "startup_targets:make('x', y=1)",
	} {
		t.Run(target, func(t *testing.T) {
			s := Start(t, Options{Target: target, Env: env, Args: []string{eachLoads, "--capture-output"}})
			s.Client(t).Get("/")
			s.Stop(t)
			check(t, s.Log())
		})
	}
	for _, target := range []string{"startup_raises", "startup_targets:missing", "startup_targets:number", "./no_such_file.wsgi"} {
		t.Run(target, func(t *testing.T) {
			result := Run(t, Options{Dir: Testapps(), Env: env}, "-b", freeAddr(t), "--venv", PlainVenv(t), eachLoads, target)
			check(t, result.Errors)
		})
	}
}
