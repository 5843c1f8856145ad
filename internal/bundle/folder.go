package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/control"
)

// Folder is where a bundle was unpacked, in use: nobody removes it.
type Folder struct {
	Path string
	site *Site
	used *os.File // locked
	// right are files whose content was found right: path → identity
	right sync.Map
	dir   *os.File // locked for systemd-tmpfiles, which passes over such a folder; may be nil
}

// use opens a folder, if it is there and ours: wrong tells whether it is whole.
func use(path string, s *Site) (*Folder, error) {
	if err := trusted(path, false); err != nil {
		return nil, err
	}
	used, err := os.OpenFile(filepath.Join(path, usedPath), os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(used.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		used.Close() // it is being removed
		return nil, os.NewSyscallError("flock", err)
	}
	f := &Folder{Path: path, site: s, used: used}
	if !f.held() { // it was renamed between the two
		used.Close()
		return nil, fmt.Errorf("%s is being removed", path)
	}
	if dir, err := os.Open(path); err == nil {
		// Anybody may have locked it for himself: then it is not to be had.
		_ = syscall.Flock(int(dir.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
		f.dir = dir
	}
	return f, nil
}

// held tells whether the lock is on what others find there: a cleaner may have taken the
// file, or all.
func (f *Folder) held() bool {
	there, err := os.Lstat(f.Join(usedPath))
	if err != nil {
		return false
	}
	ours, err := f.used.Stat()
	return err == nil && os.SameFile(there, ours)
}

func (f *Folder) release() { _ = errors.Join(f.used.Close(), f.dir.Close()) }

// Join is the absolute path of what the manifest names.
func (f *Folder) Join(path string) string { return filepath.Join(f.Path, path) }

// Python is the interpreter in it.
func (f *Folder) Python() control.Python {
	p := f.site.Python
	return control.Python{
		Executable: f.Join(p.Executable), Name: p.Name, Version: p.Version,
		Prefix: f.Join(p.Prefix), Program: f.Join(p.Program()), From: "the bundle",
	}
}

// SearchPath is the site's pythonpath.
func (f *Folder) SearchPath() []string {
	var path []string
	for _, each := range f.site.Path {
		path = append(path, f.Join(each))
	}
	return path
}

// Worker is gowsgi-worker, open; its content was checked.
func (f *Folder) Worker() (*os.File, error) {
	worker := f.site.fileAt(WorkerPath)
	if worker == nil {
		return nil, damaged("there is no worker in it")
	}
	file, err := os.Open(f.Join(WorkerPath))
	if err != nil {
		return nil, err
	}
	if !f.holds(file, *worker) {
		file.Close()
		return nil, fmt.Errorf("%s does not hold what was written to it: remove %s, and start again", file.Name(), f.Path)
	}
	return file, nil
}

// holds tells whether an open file has the content that it should. What was found right
// is not read again until it changes: a worker is looked at twice at each of its starts.
func (f *Folder) holds(file *os.File, want File) bool {
	var now unix.Stat_t
	if unix.Fstat(int(file.Fd()), &now) != nil {
		return false
	}
	if known, ok := f.right.Load(want.Path); ok && known == identityOf(now) {
		return true
	}
	right := f.hasContent(file, want)
	// What was changed just now could change again within the clock's tick.
	if right && time.Since(time.Unix(now.Ctim.Unix())) > time.Second {
		f.right.Store(want.Path, identityOf(now))
	}
	return right
}

// identity is another one when a file was written to.
type identity struct {
	device, inode uint64
	size          int64
	changed       unix.Timespec
}

func identityOf(info unix.Stat_t) identity {
	return identity{uint64(info.Dev), info.Ino, info.Size, info.Ctim} //nolint:unconvert // not on Linux
}

func (f *Folder) hasContent(file *os.File, want File) bool {
	if !want.Loads {
		content := sha256.New()
		_, err := io.Copy(content, file)
		return err == nil && hex.EncodeToString(content.Sum(nil)) == want.SHA256
	}
	content, err := io.ReadAll(file)
	if err != nil || int64(len(content)) < want.Size {
		return false
	}
	original := content[:want.Size:want.Size]
	loader := string(content[want.Size:])
	at, err := loaderSegment(original)
	if err != nil {
		return false
	}
	order.PutUint64(original[at+segmentSize:], 0)
	return Sum(original) == want.SHA256 && loader == f.Join(f.site.Loader)+"\x00"
}

// wrong are the files that are not there, or cannot be what they were.
func (f *Folder) wrong() map[string]bool {
	wrong := map[string]bool{}
	var lock sync.Mutex
	note := func(path string) {
		lock.Lock()
		defer lock.Unlock()
		wrong[path] = true
	}
	dir, err := os.Open(f.Path)
	if err != nil {
		for _, file := range f.site.Files {
			note(file.Path)
		}
		return wrong
	}
	defer dir.Close()
	var looking sync.WaitGroup
	// What everything else runs in could not say itself that it is damaged.
	for _, path := range []string{ProgramPath, WorkerPath, f.site.Python.Program(), f.site.Python.library()} {
		if file := f.site.fileAt(path); file != nil && file.Link == "" {
			looking.Go(func() {
				open, err := os.Open(f.Join(path))
				if err != nil || !f.holds(open, *file) {
					note(path)
				}
				if err == nil {
					open.Close()
				}
			})
		}
	}
	for files := range slices.Chunk(f.site.Files, len(f.site.Files)/runtime.GOMAXPROCS(0)+1) {
		looking.Go(func() {
			for _, file := range files {
				if !f.stands(dir, file) {
					note(file.Path)
				}
			}
		})
	}
	if want := f.site.config(f.Path); want != "" {
		if config, err := os.ReadFile(f.Join(configPath)); err != nil || string(config) != want {
			note(configPath)
		}
	}
	looking.Wait()
	return wrong
}

// stands tells whether a file is there, as far as can be seen without reading it. dir is
// the folder.
func (f *Folder) stands(dir *os.File, file File) bool {
	if file.Link != "" {
		target, err := os.Readlink(f.Join(file.Path))
		return err == nil && target == file.Link
	}
	var info unix.Stat_t
	return unix.Fstatat(int(dir.Fd()), file.Path, &info, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		uint32(info.Mode) == unix.S_IFREG|uint32(mode(file)) && info.Size == f.size(file) //nolint:unconvert // not on Linux
}

// size is that of a file when it is unpacked.
func (f *Folder) size(file File) int64 {
	if file.Loads {
		return file.Size + int64(len(f.Join(f.site.Loader))) + 1
	}
	return file.Size
}

// restore writes what is wrong again. Processes may use the folder meanwhile:
// each file appears whole, in the place of the other.
func (f *Folder) restore() error {
	wrong := f.wrong()
	if len(wrong) == 0 {
		return nil
	}
	w, err := newWriter(f.site, f.Path, f.Path)
	if err != nil {
		return err
	}
	defer w.close()
	err = f.site.extract(func(file File, content []byte) error {
		if !wrong[file.Path] {
			return nil
		}
		return w.put(file, content)
	})
	if err == nil {
		err = w.finish()
	}
	if err == nil {
		err = syncFolder(f.Path)
	}
	return err
}

// Keep has the folder stay in use by the program that this process becomes.
func (f *Folder) Keep() error {
	for _, file := range f.locks() {
		if err := keep(file); err != nil {
			return err
		}
	}
	return nil
}

// locks are the files by which it is in use.
func (f *Folder) locks() []*os.File {
	if f.dir == nil {
		return []*os.File{f.used}
	}
	return []*os.File{f.used, f.dir}
}

// keep has a file stay open in the program that this process becomes.
func keep(file *os.File) error {
	_, err := unix.FcntlInt(file.Fd(), unix.F_SETFD, 0)
	return os.NewSyscallError("fcntl", err)
}

// mode is what a file of a bundle is unpacked with: nobody writes to it.
func mode(file File) os.FileMode {
	if file.Executable {
		return 0o555
	}
	return 0o444
}
