package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// claimPid writes this process's id to path, whole or not at all. It refuses if
// the gowsgi that the file names is running, unless this one takes its place;
// what a dead one left behind is replaced. remove deletes the file unless it has
// become another process's, so the one whose place was taken leaves it alone.
func claimPid(path string, takeover bool, log *slog.Logger) (remove func(), err error) {
	if err := checkKind(path); err != nil {
		return nil, err
	}
	if !takeover {
		if err := checkPid(path, log); err != nil {
			return nil, err
		}
	}
	text := strconv.Itoa(os.Getpid()) + "\n"
	unfinished, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".")
	if err == nil {
		_, err = unfinished.WriteString(text)
		err = errors.Join(err, unfinished.Chmod(0o644), unfinished.Close())
		if err == nil {
			err = os.Rename(unfinished.Name(), path)
		}
		if err != nil {
			os.Remove(unfinished.Name())
		}
	}
	if err != nil {
		return nil, pidRefused(path, err)
	}
	return func() {
		if now, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(now)) == strings.TrimSpace(text) {
			os.Remove(path)
		}
	}, nil
}

func pidRefused(path string, err error) error {
	return fmt.Errorf("the pid file %s cannot be written: %w: choose a path in a folder that exists and is yours with --pid", path, plain(err))
}

// runningError says that another gowsgi has the pid file.
type runningError struct {
	pid  int
	path string
}

func (e *runningError) Error() string {
	return fmt.Sprintf("gowsgi is already running as process %d, says %s: stop it, or choose another path with --pid", e.pid, e.path)
}

// tryPid finds out whether claimPid could write path, without doing it.
func tryPid(path string) error {
	if err := checkKind(path); err != nil {
		return err
	}
	if err := checkPid(path, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return pidRefused(path, unix.EISDIR)
	}
	if err := unix.Faccessat(unix.AT_FDCWD, filepath.Dir(path), unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return pidRefused(path, err)
	}
	return nil
}

// checkKind refuses what is neither a file nor a folder, which cannot be written to anyway:
// /dev/null would be replaced for the whole machine, and so would /dev/stdout, a link;
// and from a pipe nothing comes.
func checkKind(path string) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return fmt.Errorf("the pid file %s is a link, a device, a pipe or a socket, and is left as it is: choose another path with --pid, or leave it out", path)
	}
	return nil
}

// longestPid is as much as somebody may have scribbled into a pid file. More is
// a file that was named by mistake, and nobody wants to lose that.
const longestPid = 64

// checkPid looks at what is at path already.
func checkPid(path string, log *slog.Logger) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil // if it is not just missing, writing will say what is wrong
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	switch {
	case err != nil && len(content) > longestPid:
		return fmt.Errorf("the pid file %s is something else, it holds no process id: choose another path with --pid", path)
	case err != nil || pid <= 0:
		log.Warn("the pid file held no process id: replaced", "event", "pidfile.stale", "path", path)
	case pid == os.Getpid(): // in a container, the one before had the same
	case isGowsgi(pid):
		return &runningError{pid, path}
	default:
		log.Warn("the pid file is a dead gowsgi's: replaced", "event", "pidfile.stale", "path", path, "pid", pid)
	}
	return nil
}

// isGowsgi tells whether a process is a living gowsgi, as far as the system says
// what it is.
func isGowsgi(pid int) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return runtime.GOOS != "linux"
	}
	return strings.TrimSpace(string(name)) == "gowsgi" // a worker's has more to it
}

// plain is what the system said, without the names of calls and files.
func plain(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	var call *os.SyscallError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	case errors.As(err, &call):
		return call.Err
	}
	return err
}
