package spool

import (
	"errors"

	"golang.org/x/sys/unix"
)

// openUnnamed makes a file that never has a name. O_EXCL: nor can it get one.
func openUnnamed(dir string) (int, error) {
	return unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
}

// lacksUnnamed tells whether the file system has no such files; old kernels take it
// for an attempt to write to the folder (open(2), "O_TMPFILE").
func lacksUnnamed(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL)
}
