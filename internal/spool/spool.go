package spool

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

var (
	// ErrFull is what is returned where there is no room for more.
	ErrFull = errors.New("no room in the folder for temporary files")
	// ErrMany is returned if there are as many files as there may be.
	ErrMany = errors.New("there are as many temporary files as this worker's open files allow")

	errLimit = fmt.Errorf("%w: they have as much as spool_limit allows", ErrFull)
	errDisk  = fmt.Errorf("%w: the rest of the disk is left to others", ErrFull)
)

// Spool is a folder for temporary files, and what they may have of it.
type Spool struct {
	dir   string
	bytes int64 // in all files together; 0: what the disk has
	files int64 // at once; 0: any number

	used   atomic.Int64 // of bytes
	open   atomic.Int64 // of files
	looked atomic.Int64 // used, when the disk was last looked at
}

// Open makes a Spool of a folder in which files can be made.
func Open(dir string, bytes int64, files int) (*Spool, error) {
	dir, err := filepath.Abs(dir) // the application may change to another folder
	if err != nil {
		return nil, err
	}
	s := &Spool{dir: dir, bytes: bytes, files: int64(files)}
	f, err := s.Create(0)
	if err != nil {
		return nil, err
	}
	f.Free()
	return s, nil
}

// Dir is the folder.
func (s *Spool) Dir() string { return s.dir }

// Used is how many bytes are in the files.
func (s *Spool) Used() int64 { return s.used.Load() }

// take makes room for n more bytes. The caller gives them back.
func (s *Spool) take(n int64) error {
	used := s.used.Add(n)
	switch {
	case s.bytes > 0 && used > s.bytes:
		s.used.Add(-n)
		return errLimit
	case s.leavesRoom(used):
		return nil
	default:
		s.used.Add(-n)
		return errDisk
	}
}

func (s *Spool) give(n int64) { s.used.Add(-n) }

// How often the disk is looked at, and what is left to others: a twentieth of it,
// but no more than they can do something with.
const (
	lookEvery = 1 << 20
	leftPart  = 20
	mostLeft  = 1 << 30
)

// leavesRoom tells whether enough of the disk is left if the files have that many
// bytes. It is looked at now and then only: others fill it, too, whenever they
// want, and a write that fails says so as well.
func (s *Spool) leavesRoom(used int64) bool {
	last := s.looked.Load()
	if used < last {
		s.looked.CompareAndSwap(last, used)
		return true
	}
	if used-last < lookEvery && last > 0 {
		return true
	}
	var disk unix.Statfs_t
	if unix.Statfs(s.dir, &disk) != nil || disk.Blocks == 0 {
		return true // it does not say
	}
	block := uint64(disk.Bsize)
	if disk.Bavail*block < min(disk.Blocks*block/leftPart, mostLeft) {
		return false // and is looked at again the next time
	}
	s.looked.Store(used)
	return true
}
