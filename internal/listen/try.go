package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errTried ends a listen at the moment before it would be one.
var errTried = errors.New("tried")

// Try finds out whether Open could open all of o's binds, and takes nothing away
// from whoever may open them at the same time: sockets get their address and never
// listen, so nobody connects to them, and no file is made. Where somebody listens
// already, which may be the gowsgi that this one is to follow, the bind is in busy.
// Descriptors that whoever starts gowsgi passes to it are left alone. refused has a
// sentence for each bind that cannot be had.
func Try(o Options) (busy []string, refused []error) {
	for _, bind := range o.Binds {
		if strings.HasPrefix(bind, "fd://") {
			continue
		}
		err := try(bind, o)
		switch {
		case errors.Is(err, unix.EADDRINUSE), errors.Is(err, errSocketAlive):
			busy = append(busy, bind)
		case err != nil:
			refused = append(refused, fmt.Errorf("cannot listen on %s: %w", bind, refusal(err)))
		}
	}
	return busy, refused
}

// TryAddress is Try for one host:port, with what the system says.
func TryAddress(address string) (busy bool, err error) {
	err = try(address, Options{})
	if errors.Is(err, unix.EADDRINUSE) {
		return true, nil
	}
	return false, err
}

func try(bind string, o Options) error {
	if path, ok := strings.CutPrefix(bind, "unix:"); ok {
		return tryPath(path)
	}
	options := net.ListenConfig{Control: func(network, address string, socket syscall.RawConn) error {
		if o.ReusePort {
			if err := sharePort(network, address, socket); err != nil {
				return err
			}
		}
		return bindOnly(network, address, socket)
	}}
	options.SetMultipathTCP(false)
	listener, err := options.Listen(context.Background(), tcp(bind), bind)
	if errors.Is(err, errTried) {
		return nil
	}
	if err == nil { // Control has not been asked
		err = listener.Close()
	}
	return err
}

// bindOnly gives a socket that net has made its address, and has net give up then.
// It does not keep others from that address, since net has set SO_REUSEADDR.
func bindOnly(network, address string, socket syscall.RawConn) error {
	at, err := sockaddr(network, address)
	if err != nil {
		return err
	}
	if controlErr := socket.Control(func(fd uintptr) { err = unix.Bind(int(fd), at) }); controlErr != nil {
		return controlErr
	}
	if err != nil {
		return err
	}
	return errTried
}

// sockaddr is for a network as net calls it once it has made the socket.
func sockaddr(network, address string) (unix.Sockaddr, error) {
	resolved, err := net.ResolveTCPAddr(network, address)
	if err != nil {
		return nil, err
	}
	if network == "tcp4" {
		at := &unix.SockaddrInet4{Port: resolved.Port}
		copy(at.Addr[:], resolved.IP.To4())
		return at, nil
	}
	at := &unix.SockaddrInet6{Port: resolved.Port}
	copy(at.Addr[:], resolved.IP.To16())
	if resolved.Zone != "" {
		device, err := net.InterfaceByName(resolved.Zone)
		if err != nil {
			return nil, err
		}
		at.ZoneId = uint32(device.Index)
	}
	return at, nil
}

// tryPath looks whether a socket could be made at path.
func tryPath(path string) error {
	if abstract(path) {
		return tryName(path)
	}
	if _, err := leftBehind(path); err != nil {
		return err
	}
	err := unix.Faccessat(unix.AT_FDCWD, filepath.Dir(path), unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	if len(path) >= len(unix.RawSockaddrUnix{}.Path) {
		err = unix.EINVAL
	}
	if err != nil {
		return &net.OpError{Op: "listen", Net: "unix", Err: err}
	}
	return nil
}

// tryName looks whether anybody listens under an abstract name: whoever binds to it
// keeps all others from doing so.
func tryName(name string) error {
	conn, err := net.DialTimeout("unix", name, 5*time.Second)
	switch {
	case err == nil:
		conn.Close()
		return errSocketAlive
	case errors.Is(err, unix.EAGAIN): // its queue is full
		return errSocketAlive
	case errors.Is(err, unix.ECONNREFUSED):
		return nil
	}
	return err
}
