//go:build !linux

package listen

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// copyOver makes descriptor to a copy of from, closed on exec.
func copyOver(from, to int) error {
	syscall.ForkLock.RLock() // no process is started in between
	defer syscall.ForkLock.RUnlock()
	if err := unix.Dup2(from, to); err != nil {
		return err
	}
	unix.CloseOnExec(to)
	return nil
}
