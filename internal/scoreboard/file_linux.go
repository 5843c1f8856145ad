package scoreboard

import (
	"os"

	"golang.org/x/sys/unix"
)

// anonymousFile makes a file in memory.
func anonymousFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("gowsgi-scoreboard", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "memfd:gowsgi-scoreboard"), nil
}
