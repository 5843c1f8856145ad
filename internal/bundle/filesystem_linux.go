package bundle

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncFilesystem is one wait for thousands of files.
func syncFilesystem(file *os.File) error {
	return os.NewSyscallError("syncfs", unix.Syncfs(int(file.Fd())))
}

// filesystem tells how many bytes we may write to a folder, and whether nothing in
// it may be executed.
func filesystem(folder string) (free int64, noexec bool, err error) {
	var about unix.Statfs_t
	err = unix.Statfs(folder, &about)
	return int64(about.Bavail) * about.Bsize, about.Flags&unix.ST_NOEXEC != 0, err
}
