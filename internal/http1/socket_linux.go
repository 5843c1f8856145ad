package http1

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// noSignal: a client that has left is an error, no SIGPIPE.
const noSignal = unix.MSG_NOSIGNAL

// bytesWaiting is the ioctl for how much nobody has read.
const bytesWaiting = unix.TIOCINQ

// sendFile sends what comes next of a file.
func sendFile(fd int, file *os.File, size int) (int, error) {
	return unix.Sendfile(fd, int(file.Fd()), nil, size)
}

// disconnect has the kernel send the RST now. Closing the socket would do it
// only once nobody holds a copy, such as a process that the application forked.
func disconnect(fd int) {
	address := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	// SAFETY: the kernel reads the address during the call.
	_, _, _ = unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&address)), unsafe.Sizeof(address))
}

// hungUp: see presence.
func hungUp(fd int) (gone, finished bool) {
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	if n, err := unix.Poll(polled, 0); err != nil || n == 0 {
		return false, false
	}
	events := polled[0].Revents
	return events&(unix.POLLHUP|unix.POLLERR) != 0, events&unix.POLLRDHUP != 0
}
