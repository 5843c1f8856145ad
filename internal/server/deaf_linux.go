package server

import "golang.org/x/sys/unix"

// deafen lets the kernel take no more connections for a listening TCP socket,
// while those that it has taken wait to be accepted: a filter drops whatever
// comes for the socket, so a client goes on knocking, and is refused when it
// knocks again. Shutting the socket down would reset those that wait; nobody can
// accept the last one and shut it down at the same time. An error changes
// nothing but that.
func deafen(fd int) error {
	nothing := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing})
}
