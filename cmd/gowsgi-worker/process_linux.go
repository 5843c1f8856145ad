package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// nameProcess gives the process its name, which is that of a descriptor if it
// was started from memory.
func nameProcess() {
	name := []byte("gowsgi-worker\x00")
	// SAFETY: the kernel reads the terminated name during the call.
	_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0)
}

// keepToItself is for what the process has inherited: the sockets and its own
// executable are nothing for the application's child processes. Before the
// application is there, which may have descriptors of its own.
func keepToItself() {
	const first, last = 3, ^uint(0)
	_ = unix.CloseRange(first, last, unix.CLOSE_RANGE_CLOEXEC) // Linux 5.11
}
