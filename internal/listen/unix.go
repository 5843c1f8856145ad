package listen

import (
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// abstract tells whether a unix socket's name is Linux's own, @name, with no
// file to it.
func abstract(path string) bool { return strings.HasPrefix(path, "@") }

// removeStale removes a socket that its server left behind when it was killed.
func removeStale(path string) error {
	stale, err := leftBehind(path)
	if err == nil && stale {
		err = os.Remove(path)
	}
	return err
}

// leftBehind tells whether at path is a socket on which nobody listens any more. The
// error says what else keeps a socket from being made there.
func leftBehind(path string) (bool, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return false, nil // if it is not just missing, listen will say what is wrong
	case info.Mode()&os.ModeSocket == 0:
		return false, errNoSocketFile
	}
	conn, err := net.DialTimeout("unix", path, 5*time.Second)
	switch {
	case err == nil:
		conn.Close()
		return false, errSocketAlive
	case errors.Is(err, unix.ECONNREFUSED):
		return true, nil
	case errors.Is(err, unix.EAGAIN): // its queue is full
		return false, errSocketAlive
	case errors.Is(err, unix.ENOENT):
		return false, nil
	}
	return false, err
}
