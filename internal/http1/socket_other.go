//go:build !linux

package http1

// noSignal: Go's runtime ignores SIGPIPE but for standard output and error.
const noSignal = 0

// disconnect has no means here: the RST is sent once nobody holds a copy of the
// socket.
func disconnect(int) {}

// hungUp cannot tell one direction from both here: who has left is noticed when
// it is written to.
func hungUp(int) (gone, finished bool) { return false, false }
