package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// nameProcess gives the process its name, which is that of a descriptor if it
// was started from memory, and keeps what it inherited to itself: the sockets
// and its own executable are nothing for the application's child processes.
func nameProcess() {
	name := []byte("gowsgi-worker\x00")
	// SAFETY: the kernel reads the terminated name during the call.
	_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0)
	const first, last = 3, ^uint(0)
	_ = unix.CloseRange(first, last, unix.CLOSE_RANGE_CLOEXEC) // Linux 5.11
}
