package listen

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Listener is a listening stream socket for workers to inherit. It is for one
// goroutine at a time.
type Listener struct {
	Bind    string // what the settings call it; systemd:NAME for one of systemd's
	Network string // tcp or unix
	Address string // as bound: host:port, a path, or @name

	file     *os.File // see doc.go
	origin   origin
	lent     bool   // by the gowsgi that this one replaces, which may still need it
	identity string // of the file of a unix socket that we made; else empty
}

// origin says whose a socket is.
type origin string

const (
	ours      origin = ""
	passed    origin = "passed"    // by whoever started gowsgi, as fd://N
	activated origin = "activated" // by systemd
)

// File is the socket, to be inherited. The Listener keeps owning it.
func (l *Listener) File() *os.File { return l.file }

// Matches tells whether the listener is what the settings call bind.
func (l *Listener) Matches(bind string) bool { return l.Bind == bind }

// Borrowed tells whether the socket is somebody else's, and goes on listening
// when gowsgi has ended.
func (l *Listener) Borrowed() bool { return l.origin != ours }

// URL is how the address is shown to people.
func (l *Listener) URL(scheme string) string {
	if l.Network == "unix" {
		return "unix:" + l.Address
	}
	return scheme + "://" + l.Address
}

// Keep makes a socket from the gowsgi that this one replaces ours to end. Before,
// Close only releases it: should this gowsgi fail, the old one goes on with it.
func (l *Listener) Keep() { l.lent = false }

// Close ends the socket for everybody who holds it and removes its file, if it
// is ours; if it is not, this is Release.
func (l *Listener) Close() {
	if l.origin == ours && !l.lent {
		l.removeFile()
		_ = unix.Shutdown(int(l.file.Fd()), unix.SHUT_RDWR)
	}
	l.Release()
}

// Hide removes the file of a unix socket of ours, so that nobody can connect any
// more while those that have are being served. Close follows.
func (l *Listener) Hide() {
	if l.origin == ours && !l.lent {
		l.removeFile()
		l.identity = ""
	}
}

// Release gives up this process's descriptor. The socket goes on listening for
// those who have another.
func (l *Listener) Release() { l.file.Close() }

// removeFile removes a unix socket's file, unless another program's is there by
// now.
func (l *Listener) removeFile() {
	if l.identity == "" {
		return
	}
	if now, err := fileIdentity(l.Address); err == nil && now == l.identity {
		os.Remove(l.Address)
	}
}

// fileIdentity tells the file at path from all others there are.
func fileIdentity(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode()&os.ModeSocket == 0 {
		return "", &os.PathError{Op: "lstat", Path: path, Err: unix.ENOTSOCK}
	}
	return fmt.Sprintf("%d:%d", stat.Dev, stat.Ino), nil
}

// hold returns a file with a copy of a socket's descriptor, out of the poller
// whether the socket blocks or not.
func hold(fd int) (*os.File, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: os.DevNull, Err: err}
	}
	file := os.NewFile(uintptr(null), "listener")
	if err := copyOver(fd, null); err != nil {
		file.Close()
		return nil, os.NewSyscallError("dup", err)
	}
	return file, nil
}
