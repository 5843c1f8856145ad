//go:build !linux

package python

import "os/exec"

const unloadable = ""

// load has a worker start that is a program of its own, linked with libpython.
func (p *Program) load(cmd *exec.Cmd, worker string) {
	cmd.Path = worker
	cmd.Args = []string{"gowsgi-worker"}
}
