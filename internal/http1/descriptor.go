package http1

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// descriptor is a connection that was accepted by somebody else. Package net would
// make a copy of it first, which cannot be had when descriptors are short.
type descriptor struct {
	*os.File
	raw           syscall.RawConn
	local, remote Address
}

// newDescriptor takes over the descriptor, and closes it if it fails.
func newDescriptor(p *Parked) (*descriptor, error) {
	file := os.NewFile(uintptr(p.FD), "connection") // non-blocking: Go's poller knows it from here on
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &descriptor{File: file, raw: raw, local: p.Local, remote: p.Remote}, nil
}

func (d *descriptor) LocalAddr() net.Addr  { return endOf(d.local) }
func (d *descriptor) RemoteAddr() net.Addr { return endOf(d.remote) }

// isTCP tells TCP from a unix socket.
func (d *descriptor) isTCP() bool { return d.local.Port != "" }

// CloseWrite ends the sending direction.
func (d *descriptor) CloseWrite() error {
	return d.control(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
}

// SetLinger is as *net.TCPConn has it, for 0 only: closing sends an RST.
func (d *descriptor) SetLinger(int) error {
	return d.control(func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	})
}

func (d *descriptor) control(do func(fd int) error) (err error) {
	failed := d.raw.Control(func(fd uintptr) { err = do(int(fd)) })
	if failed != nil {
		return failed
	}
	return err
}

// endOf is an address as package net has it.
func endOf(a Address) net.Addr { return end(a) }

type end Address

func (e end) Network() string {
	if e.Port == "" {
		return "unix"
	}
	return "tcp"
}

func (e end) String() string {
	if e.Port == "" {
		return e.Host
	}
	return net.JoinHostPort(e.Host, e.Port)
}
