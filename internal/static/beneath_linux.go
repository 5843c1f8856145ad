package static

import (
	"errors"

	"golang.org/x/sys/unix"
)

// openBeneath has the kernel see to it that a name leads nowhere else (openat2(2),
// since Linux 5.6).
func openBeneath(dir int, name string, links Links) (int, error) {
	how := unix.OpenHow{Flags: openFlags, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	if links == Never {
		how.Resolve |= unix.RESOLVE_NO_SYMLINKS
	}
	// EAGAIN: something was renamed on the way, so that it cannot be told.
	const tries = 16
	for i := 0; ; i++ {
		fd, err := retried(func() (int, error) { return unix.Openat2(dir, name, &how) })
		switch {
		case errors.Is(err, unix.EAGAIN) && i < tries:
		case errors.Is(err, unix.EXDEV), errors.Is(err, unix.ELOOP):
			return -1, errOut
		default:
			return fd, err
		}
	}
}

// canOpenBeneath tells whether there is openat2: kernels are older, and sandboxes that
// do not know it refuse it.
func canOpenBeneath(dir int) bool {
	fd, err := openBeneath(dir, ".", Never)
	if err == nil {
		_ = unix.Close(fd)
	}
	return !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM)
}

// onlyPath: the folder itself is not read.
const onlyPath = unix.O_PATH

// identityOf is what tells one content of a file from another.
func identityOf(s *unix.Stat_t) identity {
	return identity{device: s.Dev, inode: s.Ino, size: s.Size, modified: s.Mtim.Nano(), changed: s.Ctim.Nano()}
}
