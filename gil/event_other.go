//go:build !linux

package gil

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// EventPipe returns the descriptors through which C wakes the reader: the ends of
// a non-blocking pipe. Its end for reading is there a second time, for as long as
// that for writing: who writes late would get SIGPIPE. See New for who closes what.
func EventPipe() (read *os.File, write int, err error) {
	var ends [2]int
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := unix.Pipe(ends[:]); err != nil {
		return nil, -1, err
	}
	kept, err := unix.Dup(ends[0])
	for _, fd := range []int{ends[0], ends[1], kept} {
		if err == nil {
			unix.CloseOnExec(fd)
			err = unix.SetNonblock(fd, true)
		}
	}
	if err != nil {
		for _, fd := range []int{ends[0], ends[1], kept} {
			_ = unix.Close(fd)
		}
		return nil, -1, err
	}
	return os.NewFile(uintptr(ends[0]), "pipe"), ends[1], nil
}
