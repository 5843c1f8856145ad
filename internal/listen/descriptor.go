package listen

import (
	"errors"
	"net/netip"
	"os"
	"strconv"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// descriptor borrows the listening socket that gowsgi inherits as a number. It
// leaves the number open: it stays what the settings mean by it.
func descriptor(bind, number string) (*Listener, error) {
	fd, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	// exec closes what has this flag, and all that Go opens has it: so this is a
	// file of our own, such as another listener.
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
		return nil, errNotPassed
	}
	return borrow(bind, fd, passed)
}

// borrow makes a listener of a socket that somebody else opened.
func borrow(bind string, fd int, from origin) (*Listener, error) {
	network, address, err := examine(fd)
	if err != nil {
		return nil, err
	}
	file, err := hold(fd)
	if err != nil {
		return nil, err
	}
	return &Listener{Bind: bind, Network: network, Address: address, file: file, origin: from}, nil
}

// examine says where a socket listens, or why it is of no use.
func examine(fd int) (network, address string, err error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	switch {
	case errors.Is(err, unix.ENOTSOCK):
		return "", "", errNoSocket
	case errors.Is(err, unix.EBADF):
		return "", "", errNotPassed
	case err != nil:
		return "", "", os.NewSyscallError("getsockopt", err)
	case kind != unix.SOCK_STREAM:
		return "", "", errNoStream
	}
	accepts, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	switch {
	case err != nil:
		return "", "", os.NewSyscallError("getsockopt", err)
	case accepts == 0:
		return "", "", errNotListening
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return "", "", os.NewSyscallError("getsockname", err)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return "tcp", netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port)).String(), nil
	case *unix.SockaddrInet6:
		return "tcp", netip.AddrPortFrom(netip.AddrFrom16(name.Addr), uint16(name.Port)).String(), nil
	case *unix.SockaddrUnix:
		return "unix", name.Name, nil
	}
	return "", "", errNoStream
}

// fromSystemd borrows the sockets that systemd passes, if it does, and takes
// its variables out of the environment.
func fromSystemd() ([]*Listener, error) {
	var all []*Listener
	var failed error
	for _, file := range activation.Files(true) {
		if failed == nil {
			l, err := borrow("systemd:"+file.Name(), int(file.Fd()), activated)
			if err != nil {
				failed = &unitError{name: file.Name(), cause: err}
			} else {
				all = append(all, l)
			}
		}
		file.Close() // what is held is a copy
	}
	if failed != nil {
		for _, l := range all {
			l.Release()
		}
		return nil, failed
	}
	return all, nil
}

// unitError is a socket of systemd's that is of no use.
type unitError struct {
	name  string
	cause error
}

func (e *unitError) Error() string {
	return "the socket " + e.name + " that systemd passes " + e.cause.Error() + ": the .socket unit needs ListenStream= and Accept=no"
}

func (e *unitError) Unwrap() error { return e.cause }
