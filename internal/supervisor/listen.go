package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// listener is a listening socket for workers to inherit.
type listener struct {
	file    *os.File // in blocking mode, see doc.go
	network string   // tcp or unix
	address string   // as bound: host:port, or a path
	inode   fs.FileInfo
}

// listenAll opens all sockets, or none.
func listenAll(binds []string, backlog int) ([]*listener, error) {
	var opened []*listener
	for _, bind := range binds {
		l, err := listen(bind, backlog)
		if err != nil {
			for _, l := range opened {
				l.close()
			}
			return nil, fmt.Errorf("cannot listen on %s: %w", bind, refusal(err))
		}
		opened = append(opened, l)
	}
	return opened, nil
}

// listen opens host:port, [v6]:port, :port or unix:path, with a queue of
// backlog connections. The kernel makes that at most net.core.somaxconn.
func listen(bind string, backlog int) (*listener, error) {
	network, address := "tcp", bind
	if path, ok := strings.CutPrefix(bind, "unix:"); ok {
		network, address = "unix", path
		if err := removeStale(path); err != nil {
			return nil, err
		}
	}
	var options net.ListenConfig
	// Go would open an MPTCP socket. The neighbours serve plain TCP, and so do
	// we until somebody shows what a web server has from the other.
	options.SetMultipathTCP(false)
	opened, err := options.Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	if socket, ok := opened.(*net.UnixListener); ok {
		socket.SetUnlinkOnClose(false) // close does it, when workers have stopped
	}
	defer opened.Close() // what is inherited is a copy
	file, err := inheritable(opened.(syscall.Conn), backlog)
	if err != nil {
		return nil, err
	}
	l := &listener{file: file, network: network, address: opened.Addr().String()}
	if network == "unix" {
		l.address = address
		l.inode, err = os.Lstat(address)
	}
	return l, err
}

// inheritable copies a socket's descriptor, in blocking mode, and sets the
// length of its queue, which a second listen(2) does on a listening socket.
func inheritable(socket syscall.Conn, backlog int) (*os.File, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	var file *os.File
	controlErr := raw.Control(func(fd uintptr) {
		if err = os.NewSyscallError("listen", unix.Listen(int(fd), backlog)); err != nil {
			return
		}
		var copied int
		if copied, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err != nil {
			err = os.NewSyscallError("fcntl", err)
			return
		}
		// Before NewFile, which puts a non-blocking one into the poller.
		if err = os.NewSyscallError("fcntl", unix.SetNonblock(copied, false)); err != nil {
			unix.Close(copied)
			return
		}
		file = os.NewFile(uintptr(copied), "listener")
	})
	return file, errors.Join(controlErr, err)
}

// url is how the address is shown to people.
func (l *listener) url() string {
	if l.network == "unix" {
		return "unix:" + l.address
	}
	return "http://" + l.address
}

// close gives the socket up, and removes a unix socket's file unless it has
// become another program's.
func (l *listener) close() {
	if l.inode != nil {
		if now, err := os.Lstat(l.address); err == nil && os.SameFile(now, l.inode) {
			os.Remove(l.address)
		}
	}
	// A process that the application forked may hold a copy, and would keep the
	// address occupied: this ends it for all.
	_ = unix.Shutdown(int(l.file.Fd()), unix.SHUT_RDWR)
	l.file.Close()
}

var (
	errSocketAlive = errors.New("another program serves there: stop it, or choose another path with --bind")
	errNoSocket    = errors.New("there is a file that is no socket: remove it, or choose another path with --bind")
)

// removeStale removes a socket that its server left behind when it was killed.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil // if it is not just missing, listen will say what is wrong
	case info.Mode()&os.ModeSocket == 0:
		return errNoSocket
	}
	conn, err := net.DialTimeout("unix", path, 5*time.Second)
	switch {
	case err == nil:
		conn.Close()
		return errSocketAlive
	case errors.Is(err, unix.ECONNREFUSED):
		return os.Remove(path)
	case errors.Is(err, unix.EAGAIN): // its queue is full
		return errSocketAlive
	case errors.Is(err, unix.ENOENT):
		return nil
	}
	return err
}

// refusal says what the system's error means here and what to do.
func refusal(err error) error {
	var dns *net.DNSError
	var operation *net.OpError
	onPath := errors.As(err, &operation) && operation.Net == "unix"
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return errors.New("another program listens there: stop it, or choose another address with --bind")
	case errors.Is(err, unix.EACCES) && onPath:
		return errors.New("permission denied: choose a folder that you may write to with --bind")
	case errors.Is(err, unix.EACCES):
		return errors.New("permission denied, low ports are root's: choose one from 1024 up with --bind," +
			" or allow it with setcap cap_net_bind_service=+ep on the gowsgi program")
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
	case errors.As(err, &operation):
		return fmt.Errorf("%w: choose another address with --bind", plain(operation.Err))
	}
	return err
}
