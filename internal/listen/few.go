package listen

import (
	"net"
	"sync"
	"syscall"
)

// Few returns a listener with at most so many connections of l at once, and with
// no more than a small part of the files that the process may have open: it needs
// them for other things. Others are closed as they come: it is for what nobody
// should keep busy.
func Few(l net.Listener, most int) net.Listener {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil && files.Cur/partOfFiles < uint64(most) {
		most = max(1, int(files.Cur/partOfFiles))
	}
	return &few{Listener: l, room: make(chan struct{}, most)}
}

// partOfFiles: one in so many.
const partOfFiles = 16

type few struct {
	net.Listener
	room chan struct{}
}

// Accept returns the next connection that there is room for.
func (l *few) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.room <- struct{}{}:
			return &one{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
		default:
			_ = c.Close()
		}
	}
}

type one struct {
	net.Conn
	leave func()
}

func (c *one) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
