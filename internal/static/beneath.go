package static

import (
	"errors"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Links are the symbolic links that are followed.
type Links int

// Links that lead out of a folder are followed Anywhere only. Absolute ones do, even
// if they come back.
const (
	Inside Links = iota
	Never
	Anywhere
)

// errOut: a link leads to where it is not followed.
var errOut = errors.New("static: a symbolic link is not followed")

// openFlags: a FIFO is not waited for, and found out to be one afterwards.
const openFlags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY

// retried calls a system call again that a signal has interrupted.
func retried(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// openPlain follows links anywhere.
func openPlain(dir int, name string) (int, error) {
	return retried(func() (int, error) { return unix.Openat(dir, name, openFlags, 0) })
}

// openStepwise follows no links: each folder on the way is opened by itself.
func openStepwise(dir int, name string) (int, error) {
	at := dir
	closeAt := func() {
		if at != dir {
			_ = unix.Close(at)
		}
	}
	for {
		segment, rest, more := strings.Cut(name, "/")
		flags := openFlags | unix.O_NOFOLLOW
		if more {
			flags |= unix.O_DIRECTORY
		}
		fd, err := retried(func() (int, error) { return unix.Openat(at, segment, flags, 0) })
		closeAt()
		switch {
		case errors.Is(err, unix.ELOOP):
			return -1, errOut
		case err != nil || !more:
			return fd, err
		}
		at, name = fd, rest
	}
}

// openInside follows links that stay inside, where the kernel does not help.
func openInside(root *os.Root, name string) (int, error) {
	file, err := root.OpenFile(name, openFlags&^unix.O_CLOEXEC, 0)
	if err != nil {
		if errno, ok := errors.AsType[unix.Errno](err); ok {
			return -1, errno
		}
		return -1, errOut // os.Root has no other errors of its own for a name that is clean
	}
	defer file.Close()
	return retried(func() (int, error) { return unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0) })
}

// isBelow tells whether a clean absolute path is a folder's, or below it.
func isBelow(folder, name string) bool {
	return folder == "/" || name == folder || strings.HasPrefix(name, folder+"/")
}

// relative is a path below a folder as a name there. False: it is not below it.
func relative(folder, name string) (string, bool) {
	folder, name = path.Clean(folder), path.Clean(name)
	if !path.IsAbs(name) || !isBelow(folder, name) {
		return "", false
	}
	return strings.Trim(strings.TrimPrefix(name, folder), "/"), true
}
