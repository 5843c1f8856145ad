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
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil // if it is not just missing, listen will say what is wrong
	case info.Mode()&os.ModeSocket == 0:
		return errNoSocketFile
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
