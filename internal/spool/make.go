package spool

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// unnamed makes a file without a name.
func unnamed(dir string) (*os.File, error) {
	for {
		fd, err := openUnnamed(dir)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil {
			return os.NewFile(uintptr(apart(fd)), dir), nil
		}
		if !lacksUnnamed(err) {
			return nil, &os.PathError{Op: "create a temporary file in", Path: dir, Err: err}
		}
		return createAndUnlink(dir)
	}
}

// createAndUnlink is for systems, and file systems, that have only files with names:
// this one has it for a moment.
func createAndUnlink(dir string) (*os.File, error) {
	path := filepath.Join(dir, "gowsgi-"+rand.Text())
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, &os.PathError{Op: "create a temporary file in", Path: dir, Err: err}
	}
	if err := unix.Unlink(path); err != nil {
		_ = unix.Close(fd)
		return nil, &os.PathError{Op: "remove a temporary file from", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(apart(fd)), dir), nil
}

// apart returns a descriptor above those of the standard streams, if the application
// has closed one of those: what it prints must not get into a client's body.
func apart(fd int) int {
	if fd > 2 {
		return fd
	}
	if other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err == nil {
		_ = unix.Close(fd)
		return other
	}
	return fd
}
