package gil

import (
	"os"

	"golang.org/x/sys/unix"
)

// eventPipe returns the descriptor through which C wakes the reader: one
// eventfd for both ends.
func eventPipe() (read, write *os.File, err error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fd), "eventfd")
	return f, f, nil
}
