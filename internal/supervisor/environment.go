package supervisor

import (
	"runtime"
	"strconv"
	"strings"

	"github.com/gowsgi/gowsgi/internal/systemd"
)

const (
	libraryPath = "LD_LIBRARY_PATH"
	maxProcs    = "GOMAXPROCS"
)

// environment is the environment of a worker, made from the supervisor's own,
// and the variables that the worker is to put back, as the user has them.
func environment(environ []string, o Options) (env []string, restore map[string]*string) {
	restore = map[string]*string{libraryPath: nil}
	env = append(env, systemd.ForWorker(environ)...)
	env = append(env, o.Settings.Env...) // the last one of a name holds
	if o.Settings.Chdir != "" {
		env = append(env, "PWD="+o.Settings.Chdir)
	}
	if o.Settings.Reload {
		// Bytecode counts as current if size and second of the source are the
		// same: two saves in one second would not be told apart.
		env = append(env, "PYTHONDONTWRITEBYTECODE=1")
	}
	path := o.Python.LibDir
	if old, found := lookup(env, libraryPath); found {
		restore[libraryPath] = &old
		// An empty item would mean the current folder.
		if old != "" {
			path += ":" + old
		}
	}
	env = append(env, libraryPath+"="+path)
	if procs, _ := lookup(env, maxProcs); procs == "" {
		// Ours knows of cgroups. Each worker's Python keeps one core busy at
		// most: with more, Go's scheduler costs more than it gives.
		restore[maxProcs] = nil
		procs := max(1, runtime.GOMAXPROCS(0)/max(1, o.Settings.Workers))
		env = append(env, maxProcs+"="+strconv.Itoa(procs))
	}
	return env, restore
}

// lookup returns the last value of a name.
func lookup(env []string, name string) (value string, found bool) {
	for _, entry := range env {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value, found = v, true
		}
	}
	return value, found
}
