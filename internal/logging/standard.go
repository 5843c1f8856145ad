package logging

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Apart returns standard output or error at a descriptor of its own, of 3 or more:
// the application may close 0 to 2, and whatever is opened next gets their
// numbers, a client's connection for example. The file itself if that fails.
func Apart(standard *os.File) *os.File {
	fd, err := unix.FcntlInt(standard.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return standard
	}
	return os.NewFile(uintptr(fd), standard.Name())
}

// FillStandard opens the null device in place of standard streams that are closed,
// so that nothing else gets their numbers: Go's runtime, C libraries and Python
// write there without looking.
func FillStandard() {
	for {
		fd, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		if fd > 2 {
			_ = syscall.Close(fd)
			return
		}
		// A child process inherits it, as it would the stream.
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
	}
}
