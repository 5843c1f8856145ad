package listen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Options say what is to be listened on.
type Options struct {
	// Binds are host:port, [v6]:port, :port, unix:PATH, unix:@NAME (abstract)
	// and fd://N.
	Binds []string
	// Backlog is how many connections may wait; the kernel makes that at most
	// net.core.somaxconn.
	Backlog int
	// ReusePort lets other programs listen on the same ports. It counts for
	// sockets that are opened, not for those that are kept.
	ReusePort bool
	// UID and GID get the files of unix sockets, so that workers' own user may
	// see to them; -1 leaves them as they are.
	UID, GID int
	// Umask is what is taken from the rights of everybody to connect to a unix
	// socket, in place of the process's own umask. That one is this for the
	// moment in which such a socket is made: nobody may make files meanwhile.
	Umask int
}

// Open returns listeners for all binds: those of have that fit, and for the
// rest new ones, which are in opened too. What is in have and not in all is no
// longer wanted; closing it is up to the caller, once it can do without. If one
// bind fails none is opened, have is as before, and the error is one sentence.
//
// If have holds sockets of systemd's, these take the place of the binds.
func Open(o Options, have []*Listener) (all, opened []*Listener, err error) {
	for _, l := range have {
		if l.origin == activated {
			all = append(all, l)
		}
	}
	if len(all) > 0 {
		return all, nil, nil
	}
	taken := map[*Listener]bool{}
	for _, bind := range o.Binds {
		l := find(have, bind, taken)
		if l != nil {
			err = l.adjust(o)
		} else if l, err = open(bind, o); err == nil {
			opened = append(opened, l)
		}
		if err != nil {
			for _, l := range opened {
				l.Close()
			}
			return nil, nil, fmt.Errorf("cannot listen on %s: %w", bind, refusal(err))
		}
		taken[l] = true
		all = append(all, l)
	}
	return all, opened, nil
}

// find returns the first of have for bind that is not taken, or nil: port 0 may
// stand in the settings several times.
func find(have []*Listener, bind string, taken map[*Listener]bool) *Listener {
	for _, l := range have {
		if l.Matches(bind) && !taken[l] {
			return l
		}
	}
	return nil
}

func open(bind string, o Options) (*Listener, error) {
	if number, ok := strings.CutPrefix(bind, "fd://"); ok {
		return descriptor(bind, number)
	}
	network, address := tcp(bind), bind
	if path, ok := strings.CutPrefix(bind, "unix:"); ok {
		network, address = "unix", path
		if !abstract(path) {
			if err := removeStale(path); err != nil {
				return nil, err
			}
		}
	}
	file, bound, err := bindSocket(network, address, o)
	if err != nil {
		return nil, err
	}
	l := &Listener{Bind: bind, Network: strings.TrimSuffix(network, "4"), Address: bound, file: file}
	if network == "unix" && !abstract(address) {
		l.identity, err = fileIdentity(address)
	}
	if err == nil {
		err = l.adjust(o)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// tcp is the network of a bind that is no file. Go would make a socket for IPv6
// as well of 0.0.0.0; everywhere else, and in Gunicorn, that is IPv4 alone.
func tcp(bind string) string {
	if address, err := netip.ParseAddrPort(bind); err == nil && address.Addr().Is4() {
		return "tcp4"
	}
	return "tcp"
}

// bindSocket opens a socket that listens, and says where.
func bindSocket(network, address string, o Options) (file *os.File, bound string, err error) {
	var options net.ListenConfig
	// Go would open an MPTCP socket. The neighbours serve plain TCP, and so do
	// we until somebody shows what a web server has from the other.
	options.SetMultipathTCP(false)
	if o.ReusePort && network != "unix" {
		options.Control = sharePort
	}
	if network == "unix" {
		// Not chmod(2) afterwards: by then, whoever may write to the folder could
		// have put a link to something else in its place.
		defer syscall.Umask(syscall.Umask(o.Umask))
	}
	opened, err := options.Listen(context.Background(), network, address)
	if err != nil {
		return nil, "", err
	}
	if socket, ok := opened.(*net.UnixListener); ok {
		socket.SetUnlinkOnClose(false) // Close does it, when workers have stopped
	}
	defer opened.Close() // what is held is a copy
	raw, err := opened.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, "", err
	}
	if controlErr := raw.Control(func(fd uintptr) { file, err = hold(int(fd)) }); controlErr != nil {
		return nil, "", controlErr
	}
	return file, opened.Addr().String(), err
}

func sharePort(_, _ string, socket syscall.RawConn) error {
	var err error
	controlErr := socket.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	if controlErr != nil {
		return controlErr
	}
	return os.NewSyscallError("setsockopt", err)
}

// adjust gives a socket of ours what may change from one reload to the next:
// the length of its queue, which a second listen(2) sets, and its file's owner.
func (l *Listener) adjust(o Options) error {
	if l.origin != ours {
		return nil
	}
	if err := unix.Listen(int(l.file.Fd()), o.Backlog); err != nil {
		return os.NewSyscallError("listen", err)
	}
	if l.identity != "" && (o.UID >= 0 || o.GID >= 0) {
		return os.Lchown(l.Address, o.UID, o.GID)
	}
	return nil
}
