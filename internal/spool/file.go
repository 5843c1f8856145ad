package spool

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// File is a temporary file, which is written at its end and read anywhere. It is
// one goroutine's, but for reading what was there before.
type File struct {
	spool *Spool
	file  *os.File // nil: detached, or freed
	size  int64
	held  bool // the Spool has it on its account
}

// Create makes a file, for about expected bytes. ErrMany if there are too many,
// ErrFull if they will not fit.
func (s *Spool) Create(expected int64) (*File, error) {
	if s.bytes > 0 && s.used.Load()+expected > s.bytes {
		return nil, errLimit
	}
	if n := s.open.Add(1); s.files > 0 && n > s.files {
		s.open.Add(-1)
		return nil, ErrMany
	}
	file, err := unnamed(s.dir)
	if err != nil {
		s.open.Add(-1)
		return nil, err
	}
	return &File{spool: s, file: file, held: true}, nil
}

// Size is how many bytes are in the file.
func (f *File) Size() int64 { return f.size }

// OS is the file itself, for sendfile(2).
func (f *File) OS() *os.File { return f.file }

// Write adds bytes to the file. ErrFull, whatever there was no room in: n of them
// are there.
func (f *File) Write(p []byte) (n int, err error) {
	if err := f.spool.take(int64(len(p))); err != nil {
		return 0, err
	}
	n, err = f.file.WriteAt(p, f.size) // sendfile moves the file's own position
	f.size += int64(n)
	if err != nil {
		f.spool.give(int64(len(p) - n))
		return n, fmt.Errorf("%w: %w", ErrFull, err)
	}
	return n, nil
}

// ReadAt reads what was written.
func (f *File) ReadAt(p []byte, at int64) (int, error) { return f.file.ReadAt(p, at) }

// Detach returns a descriptor of the file, which is the caller's. The File stays on
// the account until Free; nothing more can be done with it.
func (f *File) Detach() (fd int, err error) {
	fd, err = unix.FcntlInt(f.file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return -1, err
	}
	_ = f.file.Close()
	f.file = nil
	return fd, nil
}

// Free closes the file, which is gone then, and takes it off the account. A process
// that the application has forked may still have it open: it is emptied before.
func (f *File) Free() {
	if f.held {
		f.held = false
		f.spool.give(f.size)
		f.spool.open.Add(-1)
	}
	if f.file != nil {
		_ = f.file.Truncate(0)
		_ = f.file.Close()
		f.file = nil
	}
}
