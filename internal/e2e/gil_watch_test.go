package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// watchGIL builds testdata/gil_watch.c and returns the environment that loads it
// into the worker.
func watchGIL(t *testing.T) []string {
	t.Helper()
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
