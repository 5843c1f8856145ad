package listen

import "golang.org/x/sys/unix"

// copyOver makes descriptor to a copy of from, closed on exec.
func copyOver(from, to int) error { return unix.Dup3(from, to, unix.O_CLOEXEC) }
