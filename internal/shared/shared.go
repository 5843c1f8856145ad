// Package shared is memory that a supervisor and one of its workers have
// together, and that outlives the worker.
package shared

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Memory is such memory in one process.
type Memory struct {
	Bytes []byte   // begins at a page
	file  *os.File // nil in the worker
}

// New makes size bytes, all zero. name is for /proc. Close gives them back.
func New(name string, size int) (*Memory, error) {
	file, err := anonymousFile(name)
	if err != nil {
		return nil, err
	}
	if err := file.Truncate(int64(size)); err != nil {
		_ = file.Close()
		return nil, err
	}
	bytes, err := mapped(int(file.Fd()), size)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Memory{bytes, file}, nil
}

// Open opens, in a worker, what it inherited as descriptor fd, which it closes.
func Open(fd, size int) (*Memory, error) {
	defer unix.Close(fd) // the mapping stays
	bytes, err := mapped(fd, size)
	if err != nil {
		return nil, err
	}
	return &Memory{Bytes: bytes}, nil
}

func mapped(fd, size int) ([]byte, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	if stat.Size != int64(size) { // reading past its end would be a SIGBUS
		return nil, fmt.Errorf("descriptor %d has %d bytes, not %d", fd, stat.Size, size)
	}
	bytes, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map descriptor %d: %w", fd, err)
	}
	return bytes, nil
}

// File is what a worker is to inherit.
func (m *Memory) File() *os.File { return m.file }

// Close gives the memory back. Nobody uses it any more.
func (m *Memory) Close() error {
	err := unix.Munmap(m.Bytes)
	m.Bytes = nil
	if m.file != nil {
		_ = m.file.Close()
	}
	return err
}
