//go:build !linux

package http1

import (
	"os"

	"golang.org/x/sys/unix"
)

// noSignal: Go's runtime ignores SIGPIPE but for standard output and error.
const noSignal = 0

// bytesWaiting is FIONREAD.
const bytesWaiting = 0x4004667f

// sendFile is not to be had in the same way everywhere: files are copied.
func sendFile(int, *os.File, int) (int, error) { return 0, unix.ENOSYS }

// disconnect has no means here: the RST is sent once nobody holds a copy of the
// socket.
func disconnect(int) {}

// hungUp cannot tell one direction from both here: who has left is noticed when
// it is written to.
func hungUp(int) (gone, finished bool) { return false, false }
