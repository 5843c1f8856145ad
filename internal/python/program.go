package python

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Program is a worker's executable. The file has been checked and is open, so
// that it can be started even after it was removed from the cache.
type Program struct {
	path string // "" if it is in memory only
	file *os.File
	user *syscall.Credential // who runs it; nil: we do

	before func() // each start
}

// Checked is a worker that somebody else has unpacked to the file's path, checked and
// opened, for a user; nil is ourselves. before is called before each start.
func Checked(file *os.File, user *syscall.Credential, before func()) *Program {
	return &Program{path: file.Name(), file: file, user: user, before: before}
}

// Command returns a command that starts the program with files as descriptors
// 3, 4 and so on, as the user that it was opened for; the caller sets Args and
// the rest. The process may inherit one descriptor more, that of the program
// itself.
func (p *Program) Command(files ...*os.File) *exec.Cmd {
	if p.before != nil {
		p.before()
	}
	cmd := &exec.Cmd{Path: p.path, ExtraFiles: files}
	if !p.isThere() {
		// The number counts in the new process, which opens the path itself. As an
		// inherited file the descriptor is safe from os/exec, which may put any
		// other number to its own use between fork and exec.
		cmd.ExtraFiles = append(files[:len(files):len(files)], p.file)
		cmd.Path = fmt.Sprintf("/proc/self/fd/%d", 2+len(cmd.ExtraFiles))
	}
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
