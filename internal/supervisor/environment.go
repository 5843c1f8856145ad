package supervisor

import (
	"runtime"
	"strconv"
	"strings"

	"github.com/gowsgi/gowsgi/internal/systemd"
)

const maxProcs = "GOMAXPROCS"

// environment is the environment of a worker, made from the supervisor's own and
// what its program needs, and the variables that the worker is to put back, as the
// user has them.
func environment(environ, program []string, o Options) (env []string, restore map[string]*string) {
	restore = map[string]*string{}
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
	for _, entry := range program {
		name, _, _ := strings.Cut(entry, "=")
		restore[name] = nil
		if old, found := lookup(env, name); found {
			restore[name] = &old
			if old != "" {
				entry += ":" + old
			}
		}
		env = append(env, entry)
	}
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
