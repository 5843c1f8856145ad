package python

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// inMemory unpacks a worker to a file that has no name in any file system.
func (w Workers) inMemory(name string) (*Program, error) {
	// MFD_EXEC since Linux 6.3, where a sysctl may otherwise make the file one
	// that cannot be executed; older kernels do not know the flag.
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "memfd:"+name)
	if _, err := w.copy(name, file); err != nil {
		file.Close()
		return nil, err
	}
	return &Program{file: file}, nil
}
