package load

import (
	"crypto/tls"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// accepted says whether the other side's kernel has taken any byte of the last
// request, of length bytes, on a connection over which total bytes were written.
func accepted(conn net.Conn, total, length int64) bool {
	socket, ok := conn.(*net.TCPConn)
	if !ok {
		return true // what is written to a unix socket is in the other side's hands
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	taken := true
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		// The count includes one for the SYN (RFC 9293, 3.4: it occupies a number).
		taken = err != nil || int64(info.Bytes_acked)-1 > total-length
	})
	return taken || err != nil
}

// ended says whether the server has closed an idle connection: its end, or
// something that nobody has asked for, can be read.
func ended(conn net.Conn) bool {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return true
	}
	quiet := false
	err = raw.Control(func(fd uintptr) {
		_, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
		quiet = err == unix.EAGAIN
	})
	return !quiet || err != nil
}
