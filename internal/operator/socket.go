package operator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Socket is an open control socket.
type Socket struct {
	Path     string
	listener *net.UnixListener
	remove   func()
}

// ownerOnly: who can connect can stop the service.
const ownerOnly = 0o600

// Listen opens the socket at path. takeOver: the gowsgi that has it is about to
// go. The error is one sentence.
func Listen(path string, takeOver bool) (*Socket, error) {
	if err := vacant(path, takeOver); err != nil {
		return nil, err
	}
	if len(path) >= len(syscall.RawSockaddrUnix{}.Path) { // nobody could connect
		return nil, fmt.Errorf("the control socket %s cannot be made: %w", path, errTooLong)
	}
	// Made beside its place and then moved there: so a socket that is in the way
	// is replaced in one step, and whoever connects finds somebody who listens.
	// Under a short name, since a socket's path may have about 100 bytes only.
	aside := filepath.Join(filepath.Dir(path), "."+strconv.Itoa(os.Getpid()))
	_ = os.Remove(aside) // of a process that had this number before, and died in between
	config := net.ListenConfig{Control: func(_, _ string, socket syscall.RawConn) error {
		// On Linux the file gets the permissions that the socket has before it is
		// bound, so that there is no moment at which others can connect.
		var err error
		if outer := socket.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), ownerOnly) }); outer != nil {
			return outer
		}
		if errors.Is(err, unix.EINVAL) { // where a socket has none: Chmod is to do
			return nil
		}
		return err
	}}
	l, err := config.Listen(context.Background(), "unix", aside)
	if err != nil {
		return nil, fmt.Errorf("the control socket %s cannot be made: %w", path, reason(err))
	}
	listener := l.(*net.UnixListener)
	listener.SetUnlinkOnClose(false)
	ours, err := os.Lstat(aside)
	if err == nil && ours.Mode().Perm() != ownerOnly {
		err = os.Chmod(aside, ownerOnly)
	}
	if err == nil {
		err = os.Rename(aside, path)
	}
	if err != nil {
		_ = listener.Close()
		_ = os.Remove(aside)
		return nil, fmt.Errorf("the control socket %s cannot be made: %w", path, reason(err))
	}
	return &Socket{Path: path, listener: listener, remove: func() {
		// Not that of the gowsgi that has taken over.
		if now, err := os.Lstat(path); err == nil && os.SameFile(now, ours) {
			_ = os.Remove(path)
		}
	}}, nil
}

var errTooLong = errors.New("the path is too long for a socket")

// reason is what the system says, without the names of functions and files that
// the sentence has already.
func reason(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		if number == syscall.EINVAL {
			return errTooLong
		}
		return number
	}
	return err
}

// vacant tells whether a socket can be put at path: there is nothing, or the
// socket of a gowsgi that is dead.
func vacant(path string, takeOver bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("the control socket %s cannot be made: %w", path, reason(err))
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("%s is in the way of the control socket and no socket: remove it, or name another place with --control", path)
	case takeOver:
		return nil
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("the control socket %s belongs to a gowsgi that runs: name another place with --control", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) { // that is what a dead one's says
		return fmt.Errorf("the control socket %s is in use or another user's: %w", path, reason(err))
	}
	return nil
}

// suffix ends the names of control sockets.
const suffix = ".control"

// Place is where the control socket is that nobody has given a place: beside the
// pid file if there is one, else in the user's runtime directory under the
// process id. The directory exists then. The error is one sentence.
func Place(pidFile string) (string, error) {
	if pidFile != "" {
		return besidePid(pidFile), nil
	}
	var last error
	for _, folder := range folders() {
		if last = private(folder); last == nil {
			return filepath.Join(folder, strconv.Itoa(os.Getpid())+suffix), nil
		}
	}
	return "", last
}

func besidePid(pidFile string) string {
	return strings.TrimSuffix(pidFile, filepath.Ext(pidFile)) + suffix
}

// folders are where control sockets of this user may be, the best first.
func folders() []string {
	uid := strconv.Itoa(os.Geteuid())
	var folders []string
	if os.Geteuid() == 0 {
		folders = append(folders, "/run/gowsgi")
	}
	if runtime := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(runtime) {
		folders = append(folders, filepath.Join(runtime, "gowsgi"))
	}
	return append(folders, "/run/user/"+uid+"/gowsgi", filepath.Join(os.TempDir(), "gowsgi-"+uid))
}

// private makes sure that a folder is there, ours, and nobody else's to write.
func private(folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("there is no place for the control socket: %s cannot be made: %w", folder, reason(err))
	}
	if !isPrivate(folder) {
		return fmt.Errorf("there is no place for the control socket: %s is not a folder that only its owner can write to", folder)
	}
	return nil
}

// isPrivate tells whether a folder is ours, and nobody else's to write.
func isPrivate(folder string) bool {
	info, err := os.Lstat(folder)
	if err != nil || !info.IsDir() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && info.Mode().Perm()&0o022 == 0
}
