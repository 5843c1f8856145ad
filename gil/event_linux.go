package gil

import (
	"os"

	"golang.org/x/sys/unix"
)

// EventPipe returns the descriptors through which C wakes the reader: an eventfd,
// twice. See New for who closes what.
func EventPipe() (read *os.File, write int, err error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, -1, err
	}
	if write, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
		_ = unix.Close(fd)
		return nil, -1, err
	}
	return os.NewFile(uintptr(fd), "eventfd"), write, nil
}
