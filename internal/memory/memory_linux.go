// Package memory has executables in memory, where no folder can be used for them.
package memory

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Executable is a file that has no name in any file system, with what write writes.
// Everybody may run it, and whoever runs it could open it for writing by way of
// /proc: so it is sealed. It is closed when another program is executed.
func Executable(name string, write func(io.Writer) error) (*os.File, error) {
	// MFD_EXEC since Linux 6.3, where a sysctl may otherwise make the file one
	// that cannot be executed; older kernels do not know the flag.
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "memfd:"+name)
	err = write(file)
	if err == nil {
		err = file.Chmod(0o555)
	}
	if err == nil {
		const all = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
		_, err = unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, all)
		err = os.NewSyscallError("fcntl", err)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
