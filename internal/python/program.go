package python

import (
	"fmt"
	"os"
	"os/exec"
)

// Program is a worker's executable. The file has been checked and is open, so
// that it can be started even after it was removed from the cache.
type Program struct {
	path string // "" if it is in memory only
	file *os.File
}

// Command returns a command that starts the program with files as descriptors
// 3, 4 and so on; the caller sets Args and the rest. The process may inherit
// one descriptor more, that of the program itself.
func (p *Program) Command(files ...*os.File) *exec.Cmd {
	if p.path != "" {
		there, err := os.Stat(p.path)
		checked, checkedErr := p.file.Stat()
		if err == nil && checkedErr == nil && os.SameFile(there, checked) {
			return &exec.Cmd{Path: p.path, ExtraFiles: files}
		}
	}
	// The number counts in the new process, which opens the path itself. As an
	// inherited file the descriptor is safe from os/exec, which may put any
	// other number to its own use between fork and exec.
	files = append(files[:len(files):len(files)], p.file)
	return &exec.Cmd{Path: fmt.Sprintf("/proc/self/fd/%d", 2+len(files)), ExtraFiles: files}
}

// Close gives the file up. Processes that were started go on.
func (p *Program) Close() error { return p.file.Close() }
