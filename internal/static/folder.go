package static

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// validity is for how long it is believed what was seen of files and folders.
const validity = time.Second

// folder is a folder that files are served from. It is known by its path: who puts
// another in its place, as deployments do with a link, has that served.
type folder struct {
	path  string
	links Links

	mu      sync.RWMutex // is held while fd or root is used
	fd      int          // -1: there is no such folder at the moment
	root    *os.Root     // where the kernel does not help
	helps   bool         // it does
	device  uint64
	inode   uint64
	checked time.Time
}

// openFolder takes a folder that may be there or not.
func openFolder(path string, links Links, now time.Time) *folder {
	f := &folder{path: path, links: links, fd: -1}
	f.renew(now)
	return f
}

// Try says why files in a folder cannot be served, in words for the operator; nil if
// they can.
func Try(path string) error {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		return missing(path)
	case err != nil:
		return fmt.Errorf("the folder %s cannot be entered by user %d: %w: let that user enter all folders down to it", path, os.Geteuid(), errors.Unwrap(err))
	case !info.IsDir():
		return fmt.Errorf("%s is no folder: name one", path)
	}
	if err := unix.Access(path, unix.X_OK); err != nil {
		return fmt.Errorf("the folder %s cannot be entered by user %d: %w: give that user the right to", path, os.Geteuid(), err)
	}
	return nil
}

// missing says of a path that there is no such folder.
type missing string

func (m missing) Error() string {
	return "there is no folder " + string(m) + ": create it, or name another"
}

// Is makes it what the system calls it.
func (m missing) Is(target error) bool { return target == fs.ErrNotExist }

// Holds tells whether a place, wherever links lead, is a folder or in it; false if one of
// them is not there.
func Holds(folder, place string) bool {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	if place, err = filepath.EvalSymlinks(place); err != nil {
		return false
	}
	below, err := filepath.Rel(folder, place)
	return err == nil && filepath.IsLocal(below)
}

// look sees from time to time whether the path still leads to the same folder.
func (f *folder) look(now time.Time) {
	f.mu.RLock()
	known, device, inode := now.Sub(f.checked) < validity, f.device, f.inode
	f.mu.RUnlock()
	if known {
		return
	}
	var stat unix.Stat_t
	if err := unix.Stat(f.path, &stat); err == nil {
		if id := identityOf(&stat); f.isOpen() && id.device == device && id.inode == inode {
			f.mu.Lock()
			f.checked = now
			f.mu.Unlock()
			return
		}
	}
	f.renew(now)
}

func (f *folder) isOpen() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.fd >= 0
}

// renew opens what is at the path now.
func (f *folder) renew(now time.Time) {
	fd, err := retried(func() (int, error) {
		return unix.Open(f.path, onlyPath|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	var stat unix.Stat_t
	if err == nil {
		err = unix.Fstat(fd, &stat)
	}
	helps, root := false, (*os.Root)(nil)
	if err == nil {
		helps = canOpenBeneath(fd)
		if !helps && f.links == Inside {
			root, err = os.OpenRoot(f.path)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.close()
	if err != nil {
		_ = unix.Close(fd) // if there is one
		fd = -1
	}
	id := identityOf(&stat)
	f.fd, f.root, f.helps, f.device, f.inode, f.checked = fd, root, helps, id.device, id.inode, now
}

// close lets go of the folder. Lock: held.
func (f *folder) close() {
	if f.root != nil {
		_ = f.root.Close()
	}
	if f.fd >= 0 {
		_ = unix.Close(f.fd)
	}
	f.root, f.fd = nil, -1
}

// open opens a file or folder beneath the folder by a clean name.
func (f *folder) open(name string) (handle, error) {
	if name == "" {
		name = "."
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	fd, err := -1, error(unix.ENOENT)
	switch {
	case f.fd < 0:
	case f.links == Anywhere:
		fd, err = openPlain(f.fd, name)
	case f.helps:
		fd, err = openBeneath(f.fd, name, f.links)
	case f.links == Never:
		fd, err = openStepwise(f.fd, name)
	default:
		fd, err = openInside(f.root, name)
	}
	return handle(fd), err
}

// handle is an open file: a descriptor, since an *os.File costs system calls to make.
type handle int

func (h handle) close() { _ = unix.Close(int(h)) }

// identity tells one content of a file from another.
type identity struct {
	device, inode     uint64
	size              int64
	modified, changed int64 // Unix time, ns
}

// errFolder: it is one. errNoFile: neither a file nor a folder.
var (
	errFolder = errors.New("static: a folder")
	errNoFile = errors.New("static: no regular file")
)

// identity is that of a regular file.
func (h handle) identity() (identity, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(int(h), &stat); err != nil {
		return identity{}, err
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return identityOf(&stat), nil
	case unix.S_IFDIR:
		return identity{}, errFolder
	}
	return identity{}, errNoFile
}

// errChanged: there is another content than was seen.
var errChanged = errors.New("static: the file has changed")

// readAll reads a file that has that identity. errChanged if it has another afterwards.
func (h handle) readAll(id identity) ([]byte, error) {
	b := make([]byte, id.size)
	for n := 0; n < len(b); {
		got, err := retried(func() (int, error) { return unix.Pread(int(h), b[n:], int64(n)) })
		if err != nil {
			return nil, err
		}
		if got == 0 {
			return nil, errChanged
		}
		n += got
	}
	after, err := h.identity()
	if err == nil && after != id {
		err = errChanged
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// file makes an *os.File of it, which is the caller's to close instead.
func (h handle) file(name string) *os.File { return os.NewFile(uintptr(h), name) }

// isAbsent tells errors that mean: there is no such file.
func isAbsent(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ENAMETOOLONG) ||
		errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EILSEQ) ||
		errors.Is(err, unix.ENXIO) || errors.Is(err, errNoFile) // a socket cannot be opened
}
