package bundle

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncFilesystem is one wait for thousands of files.
func syncFilesystem(file *os.File) error {
	return os.NewSyscallError("syncfs", unix.Syncfs(int(file.Fd())))
}
