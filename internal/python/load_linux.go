package python

import "os/exec"

// unloadable are the bytes that the loader does not take for a part of a path.
const unloadable = ": $"

// notLoaded is what a python says that has started without the worker in it. The
// loader may refuse, and has then said why, or must ignore what it is told.
const notLoaded = `raise SystemExit("gowsgi: %s has started without gowsgi's worker, which the loader puts into programs ` +
	`that are linked dynamically and have no rights of their own: take its file capabilities (setcap -r) and its ` +
	`set-user-ID and set-group-ID bits (chmod ug-s) away, or name another Python with --venv" % __import__("sys").argv[1])`

// load has the loader put the worker into the application's python. Of that
// program's own main nothing runs then (cmd/gowsgi-worker/loaded.c); its arguments
// are for where the worker is not there.
func (p *Program) load(cmd *exec.Cmd, worker string) {
	cmd.Path = p.python
	cmd.Args = []string{"gowsgi-worker", "-I", "-S", "-c", notLoaded, p.python}
	cmd.Env = []string{"LD_PRELOAD=" + worker}
}
