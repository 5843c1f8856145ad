package listen

import (
	"net"
	"sync"
)

// Few returns a listener with at most so many connections of l at once. Others
// are closed as they come: it is for what nobody should keep busy.
func Few(l net.Listener, most int) net.Listener {
	return &few{Listener: l, room: make(chan struct{}, most)}
}

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
