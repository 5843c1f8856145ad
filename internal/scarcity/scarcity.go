// Package scarcity tells what a machine has too little of from all else that can
// be wrong: then no file, folder or address is to blame, and none is to be
// changed.
package scarcity

import (
	"cmp"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Of says what has run out if that is what the system's error means, and what to
// do about it; else it is empty.
func Of(err error) string {
	switch {
	case errors.Is(err, unix.EMFILE):
		return "gowsgi has as many files open as it may: raise ulimit -n, or LimitNOFILE in systemd's unit"
	case errors.Is(err, unix.ENFILE):
		return "this machine has as many files open as it may: raise the sysctl fs.file-max"
	case errors.Is(err, unix.EAGAIN) && OfAddressSpace() != "": // there is no room for a thread's stack
		return OfAddressSpace()
	case errors.Is(err, unix.EAGAIN):
		return "no more processes may be started: raise ulimit -u, or TasksMax in systemd's unit"
	case errors.Is(err, unix.ENOMEM), errors.Is(err, unix.ENOBUFS):
		return OfMemory()
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "the disk is full: make room"
	case errors.Is(err, unix.EFBIG):
		return "a file would be larger than it may be: raise ulimit -f, or LimitFSIZE in systemd's unit"
	case errors.Is(err, unix.E2BIG):
		return "the environment is too large for a process: make it smaller"
	}
	return ""
}

// OfMemory says that memory has run out, and names the limit if there is one.
func OfMemory() string {
	return cmp.Or(OfAddressSpace(), "the memory is not enough: let this machine or its cgroup have more")
}

// OfAddressSpace names the limit of a process's address space; it is empty if there
// is none. It may be what many a failure means that says something else: Go and
// CPython reserve far more than they use.
func OfAddressSpace() string {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &limit) != nil || limit.Cur == unix.RLIM_INFINITY {
		return ""
	}
	return fmt.Sprintf("the memory is not enough, ulimit -v lets a process have %d KiB: raise it", limit.Cur/1024)
}
