package listen

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/scarcity"
)

var (
	errSocketAlive  = errors.New("another program serves there: stop it, or choose another path with --bind")
	errNoSocketFile = errors.New("there is a file that is no socket: remove it, or choose another path with --bind")
)

// What is wrong with a descriptor, to follow its name.
var (
	errNotPassed    = errors.New("is not passed to gowsgi by whoever starts it")
	errNoSocket     = errors.New("is no socket")
	errNoStream     = errors.New("is no stream socket")
	errNotListening = errors.New("does not listen")
)

// refusal says what the system's error means here and what to do.
func refusal(err error) error {
	for _, wrong := range []error{errNotPassed, errNoSocket, errNoStream, errNotListening} {
		if errors.Is(err, wrong) {
			return fmt.Errorf("that descriptor %w: start gowsgi with a listening stream socket under this number, or choose another address with --bind", err)
		}
	}
	var dns *net.DNSError
	var operation *net.OpError
	var number syscall.Errno
	onPath := errors.As(err, &operation) && operation.Net == "unix"
	if words := scarcity.Of(err); words != "" {
		return errors.New(words)
	}
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return errors.New("another program listens there: stop it, or choose another address with --bind")
	case errors.Is(err, unix.EACCES) && onPath:
		return errors.New("permission denied: choose a folder that you may write to with --bind")
	case errors.Is(err, unix.EACCES):
		return errors.New("permission denied, low ports are root's: choose one from 1024 up with --bind, start gowsgi as root with --user for its workers," +
			" or allow it with AmbientCapabilities=CAP_NET_BIND_SERVICE in systemd's unit, or with setcap cap_net_bind_service=+ep on the gowsgi program (not on a bundle)")
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return errors.New("this machine does not have that address: choose one that ip address shows, or :PORT for all, with --bind")
	case errors.Is(err, unix.EAFNOSUPPORT):
		return errors.New("this machine does not have that kind of address: choose another with --bind")
	case errors.Is(err, unix.ENOENT) && onPath:
		return errors.New("its folder does not exist: create it, or choose another path with --bind")
	case errors.Is(err, unix.EINVAL) && onPath:
		return errors.New("the path is too long for a socket: choose a shorter one with --bind")
	case errors.As(err, &dns):
		return fmt.Errorf("the host name %s is not known: write an address, or :PORT for all, with --bind", dns.Name)
	case errors.As(err, &number):
		return fmt.Errorf("%w: choose another address with --bind", number)
	case errors.As(err, &operation):
		return fmt.Errorf("%w: choose another address with --bind", operation.Err)
	}
	return err
}
