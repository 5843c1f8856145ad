package logging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/term"
)

// File is where a log goes: a file that can be opened anew, or a standard
// stream. Each Write is one write(2). Safe for concurrent use.
type File struct {
	path string // empty: a standard stream, which is not ours to close

	mu   sync.RWMutex // read-locked by Write: Reopen closes nothing that is written to
	file *os.File
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
		return nil, fmt.Errorf("the log file %s cannot be opened for writing: %w: create its folder, or set another path", path, bare(err))
	}
	return file, nil
}

// bare is err without the path, which the message around it has.
func bare(err error) error {
	var cause *fs.PathError
	if errors.As(err, &cause) {
		return cause.Err
	}
	return err
}

func (f *File) Write(p []byte) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.file.Write(p)
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
