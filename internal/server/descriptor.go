package server

import (
	"net"
	"os"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/logging"
)

// apart returns a connection that has none of the descriptors 0 to 2, where
// Python, C libraries and Go's runtime write what is not for clients. It would get
// one if the application has closed its standard streams.
func apart(c net.Conn) net.Conn {
	socket, ok := c.(interface {
		syscall.Conn
		File() (*os.File, error)
	})
	if !ok {
		return c
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return c
	}
	low := false
	if err := raw.Control(func(fd uintptr) { low = fd <= 2 }); err != nil || !low {
		return c
	}
	logging.FillStandard() // the others, so that the copies get none of them
	copied, err := socket.File()
	if err != nil {
		return c
	}
	defer copied.Close()
	moved, err := net.FileConn(copied)
	if err != nil {
		return c
	}
	_ = c.Close()
	logging.FillStandard()
	return moved
}
