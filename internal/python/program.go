package python

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Program is a worker, and what it is loaded into. The worker's file has been
// checked and is open, so that it can be started even after it was removed from
// the cache.
type Program struct {
	path   string // "" if it is in memory only
	file   *os.File
	python string              // the application's python, a program
	user   *syscall.Credential // who runs it; nil: we do

	before func() // each start
}

// Checked is a worker that somebody else has unpacked to the file's path, checked and
// opened, for a python and a user; nil is ourselves. before is called before each start.
func Checked(file *os.File, python string, user *syscall.Credential, before func()) *Program {
	return &Program{path: file.Name(), file: file, python: python, user: user, before: before}
}

// Command returns a command that starts the worker with files as descriptors
// 3, 4 and so on, as the user that it was opened for. Its Args begin with the
// name that ps shows, which is the caller's to set. What is in Env goes in front
// of what the user has in the same variables, for this process only. The process
// may inherit one descriptor more, that of the worker itself.
func (p *Program) Command(files ...*os.File) *exec.Cmd {
	if p.before != nil {
		p.before()
	}
	cmd := &exec.Cmd{ExtraFiles: files}
	worker := p.path
	if !p.isThere() || strings.ContainsAny(worker, unloadable) {
		// The number counts in the new process, which opens the path itself. As an
		// inherited file the descriptor is safe from os/exec, which may put any
		// other number to its own use between fork and exec.
		cmd.ExtraFiles = append(files[:len(files):len(files)], p.file)
		worker = fmt.Sprintf("/proc/self/fd/%d", 2+len(cmd.ExtraFiles))
	}
	p.load(cmd, worker)
	if p.user != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.user}
	}
	return cmd
}

// isThere tells whether the file that was checked is still at its path.
func (p *Program) isThere() bool {
	if p.path == "" {
		return false
	}
	there, err := os.Stat(p.path)
	checked, checkedErr := p.file.Stat()
	return err == nil && checkedErr == nil && os.SameFile(there, checked)
}

// Close gives the file up. Processes that were started go on.
func (p *Program) Close() error { return p.file.Close() }
