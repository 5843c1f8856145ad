package logging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// File is where a log goes: a file that can be opened anew, or a standard
// stream. Each Write is one write(2). Safe for concurrent use.
type File struct {
	path string // empty: a standard stream, which is not ours to close

	mu   sync.RWMutex // read-locked by Write: Reopen closes nothing that is written to
	file *os.File

	broken atomic.Bool // the last Write failed
	torn   atomic.Bool // it left a part of a line
}

// Open opens the log file at path to append to, and makes it if need be. The
// paths "-" and "" stand for standard. The error is one sentence for the user.
func Open(path string, standard *os.File) (*File, error) {
	if path == "-" || path == "" {
		return &File{file: standard}, nil
	}
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	return &File{path: path, file: file}, nil
}

func open(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, refused(path, err)
	}
	return file, nil
}

func refused(path string, err error) error {
	return fmt.Errorf("the log file %s cannot be opened for writing: %w: create its folder, or set another path", path, bare(err))
}

// Try finds out whether Open could open the log file at path. It makes none and opens
// none: who reads from a named pipe would take that for its end.
func Try(path string) error {
	if path == "-" || path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = unix.Faccessat(unix.AT_FDCWD, filepath.Dir(path), unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	case err != nil:
	case info.IsDir():
		err = unix.EISDIR
	case info.Mode()&fs.ModeSocket != 0:
		err = unix.ENXIO
	default:
		err = unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
	}
	if err != nil {
		return refused(path, err)
	}
	return nil
}

// bare is err without the path, which the message around it has.
func bare(err error) error {
	var cause *fs.PathError
	if errors.As(err, &cause) {
		return cause.Err
	}
	return err
}

// Write begins on a line of its own, even if an earlier one was cut short.
func (f *File) Write(p []byte) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var before int
	if f.broken.Load() && f.endsWithin() {
		before = 1
		p = append([]byte{'\n'}, p...)
	}
	n, err := f.file.Write(p)
	if err == nil {
		f.torn.Store(false)
		f.broken.Store(false)
		return n - before, nil
	}
	if n > 0 {
		f.torn.Store(p[n-1] != '\n')
	}
	f.broken.Store(true)
	return max(n-before, 0), bare(err)
}

// endsWithin tells whether what is there ends within a line. Another process may
// have left it so: a full disk cuts all of them short.
func (f *File) endsWithin() bool {
	info, err := f.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f.torn.Load()
	}
	if info.Size() == 0 {
		return false
	}
	reader, err := os.Open(fmt.Sprintf("/dev/fd/%d", f.file.Fd()))
	if err != nil {
		return f.torn.Load() // it may be written, but not read
	}
	defer reader.Close()
	last := make([]byte, 1)
	if _, err := reader.ReadAt(last, info.Size()-1); err != nil {
		return f.torn.Load()
	}
	return last[0] != '\n'
}

// Standard tells whether it is a standard stream.
func (f *File) Standard() bool { return f.path == "" }

// Fd is the file's descriptor until it is reopened or closed.
func (f *File) Fd() uintptr {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.file.Fd()
}

// Reopen opens the path anew, for when the file was moved away, and closes the
// old one. If that fails, writing goes on to the old one. A standard stream
// stays as it is.
func (f *File) Reopen() error {
	if f.Standard() {
		return nil
	}
	file, err := open(f.path)
	if err != nil {
		return err
	}
	f.mu.Lock()
	old := f.file
	f.file = file
	f.mu.Unlock()
	return old.Close()
}

// Chown gives the file to a user and a group, -1 for no change. Only regular
// files change hands: not standard streams, and not a /dev/null or a pipe that
// the path names. What the path links to is refused: whoever may write to its
// folder would choose what root gives away.
func (f *File) Chown(uid, gid int) error {
	if f.Standard() || uid < 0 && gid < 0 {
		return nil
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	info, err := f.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if named, err := os.Lstat(f.path); err != nil || !os.SameFile(named, info) {
		return fmt.Errorf("the log file %s is a link, and is not given to user %d: set the path that it leads to", f.path, uid)
	}
	if err := f.file.Chown(uid, gid); err != nil {
		return fmt.Errorf("the log file %s cannot be given to user %d, group %d: %w: start gowsgi as root, or set another path", f.path, uid, gid, bare(err))
	}
	return nil
}

// Close closes the file; a standard stream stays open.
func (f *File) Close() error {
	if f.Standard() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}

// Terminal tells whether somebody sees what is written as it comes.
func (f *File) Terminal() bool { return term.IsTerminal(int(f.file.Fd())) }

// What one write can hold so that another process's does not get into it:
// appending to a file is atomic; a pipe holds together PIPE_BUF, of which POSIX
// promises 512 and Linux gives 4096.
const (
	wholeInFile = 64 << 10
	wholeInPipe = 4096
)

// Whole is the most that one Write can take without being mixed with what other
// processes write to the same place.
func (f *File) Whole() int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if info, err := f.file.Stat(); err == nil && info.Mode().IsRegular() {
		return wholeInFile
	}
	return wholeInPipe
}
