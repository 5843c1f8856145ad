package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/scarcity"
)

const (
	unfinishedPrefix = ".unpacking-"
	removedPrefix    = ".removed-"
	lockName         = ".lock"
	hashShown        = 24 // digits of a hash that tell folders apart
)

// Unpack returns the bundle's folder, whole, and in use from now on: the first
// place where it is or can be. wanted is --bundle-dir. A second call looks after
// what has become of it.
func (s *Site) Unpack(ctx context.Context, wanted string) (*Folder, error) {
	s.unpacking.Lock()
	defer s.unpacking.Unlock()
	if s.folder != nil {
		return s.folder, s.restore(ctx, s.folder)
	}
	places := Places(wanted)
	var errs []error
	for _, place := range places {
		place, err := filepath.Abs(place)
		if err == nil {
			s.folder, err = s.unpackTo(ctx, place)
		}
		if err == nil {
			return s.folder, nil
		}
		if errors.Is(err, errDamaged) || ctx.Err() != nil {
			return nil, err
		}
		errs = append(errs, err)
	}
	return nil, reasons(wanted, places, errs)
}

// name is that of the folder.
func (s *Site) name() string { return s.Name + "-" + s.Hash[:hashShown] }

func (s *Site) unpackTo(ctx context.Context, place string) (*Folder, error) {
	place, err := openPlace(place)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(place, s.name())
	if folder, err := use(path, s); err == nil && len(folder.wrong()) == 0 {
		return folder, nil
	} else if err == nil {
		folder.release()
	}
	lock, err := lockPlace(ctx, place)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // and with it the lock
	return s.whole(place, path)
}

// whole is the folder at path, with everything in it, and in use. The place is locked.
func (s *Site) whole(place, path string) (*Folder, error) {
	folder, err := use(path, s)
	if err == nil { // it was there, or another copy has just unpacked it
		if err = folder.restore(); err == nil {
			return folder, nil
		}
		folder.release()
	}
	if !beyondRepair(err) {
		return nil, err
	}
	removeUnfinished(place)
	if err := s.makeRoom(place); err != nil {
		return nil, err
	}
	if err := s.write(place, path); err != nil {
		return nil, err
	}
	folder, err = use(path, s)
	if err == nil {
		s.removeOthers(place)
	}
	return folder, err
}

// beyondRepair tells whether another folder would do, in place of one that could not be
// used or restored for this reason: others could write to it, or there is a folder where
// a file has to be.
func beyondRepair(err error) bool {
	switch {
	case err == nil, errors.Is(err, errDamaged):
		return false
	case errors.Is(err, syscall.EWOULDBLOCK): // a lock of somebody's who does not unpack
		return true
	}
	return scarcity.Of(err) == ""
}

// write unpacks to a folder beside, and renames that. A power cut leaves all or
// nothing: what is renamed is on the disk. What was in its place goes.
func (s *Site) write(place, path string) error {
	unfinished, err := os.MkdirTemp(place, unfinishedPrefix)
	if err != nil {
		return err
	}
	err = s.fill(unfinished, path)
	if err == nil {
		err = syncFolder(unfinished)
	}
	if err == nil {
		err = replace(place, path, unfinished)
	}
	if err != nil {
		_ = removeTree(unfinished) // the next one who unpacks tries again
		return err
	}
	return syncFolder(place)
}

// replace renames a folder to path. Who uses what was there finds the same files by their
// names, all but at once.
func replace(place, path, with string) error {
	there, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.Rename(with, path)
	case err != nil:
		return err
	case !there.IsDir():
		return errors.Join(os.Remove(path), os.Rename(with, path))
	}
	aside, err := os.MkdirTemp(place, removedPrefix)
	if err != nil {
		return err
	}
	if err := unix.Rename(path, aside); err != nil { // os.Rename takes no folder's place
		return &os.LinkError{Op: "rename", Old: path, New: aside, Err: err}
	}
	err = os.Rename(with, path)
	_ = removeTree(aside) // the next one tries again
	return err
}

func (s *Site) fill(at, final string) error {
	w, err := newWriter(s, at, final)
	if err != nil {
		return err
	}
	defer w.close()
	if err := s.extract(w.put); err != nil {
		return err
	}
	return w.finish()
}

// restore is Folder.restore, one process at a time.
func (s *Site) restore(ctx context.Context, folder *Folder) error {
	if folder.held() && len(folder.wrong()) == 0 {
		return nil
	}
	place, err := openPlace(filepath.Dir(folder.Path))
	if err != nil {
		return err
	}
	lock, err := lockPlace(ctx, place)
	if err != nil {
		return err
	}
	defer lock.Close()
	again, err := s.whole(place, folder.Path)
	if err == nil {
		folder.release()
		folder.used, folder.dir = again.used, again.dir
	}
	return err
}

// lockPlace waits until nobody else unpacks there. Only who owns the place can
// open the file.
func lockPlace(ctx context.Context, place string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(place, lockName), os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	var refused error
	decided := make(chan struct{})
	go func() {
		defer close(decided)
		refused = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		for errors.Is(refused, syscall.EINTR) {
			refused = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		}
	}()
	select {
	case <-decided:
		if refused != nil {
			file.Close()
			return nil, fmt.Errorf("%s cannot be locked: %w", file.Name(), refused)
		}
		return file, nil
	case <-ctx.Done():
		go func() {
			<-decided
			file.Close() // and with it the lock
		}()
		return nil, context.Cause(ctx)
	}
}

// removeUnfinished removes what processes have left that were killed: the lock
// is held, so nobody is at it.
func removeUnfinished(place string) {
	entries, _ := os.ReadDir(place)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), unfinishedPrefix) || strings.HasPrefix(entry.Name(), removedPrefix) {
			_ = removeTree(filepath.Join(place, entry.Name())) // the next one tries again
		}
	}
}

// makeRoom sees that all files will find room: where they do not, other builds go now,
// and not only when this one is there.
func (s *Site) makeRoom(place string) error {
	need := s.room()
	if hasRoom(place, need) == nil {
		return nil
	}
	s.removeOthers(place)
	return hasRoom(place, need)
}

// removeOthers removes other builds of the same site that nobody uses. A daemon has closed
// all that it inherited, locks too, but what it runs it runs.
func (s *Site) removeOthers(place string) {
	running := sync.OnceValue(executables)
	entries, _ := os.ReadDir(place)
	for _, entry := range entries {
		hash, same := strings.CutPrefix(entry.Name(), s.Name+"-")
		if !same || len(hash) != hashShown || strings.Trim(hash, "0123456789abcdef") != "" || entry.Name() == s.name() {
			continue
		}
		path := filepath.Join(place, entry.Name())
		used, err := os.OpenFile(filepath.Join(path, usedPath), os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			continue
		}
		if syscall.Flock(int(used.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && !runsFrom(path, running()) {
			// Renamed first: whoever wants it now finds nothing, or finds it whole.
			removed := filepath.Join(place, removedPrefix+entry.Name())
			if os.Rename(path, removed) == nil {
				_ = removeTree(removed) // the next one tries again
			}
		}
		used.Close()
	}
}

// removeTree removes folders that may not be written, too.
func removeTree(path string) error {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		_ = filepath.WalkDir(path, func(at string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				return os.Chmod(at, 0o700)
			}
			return nil
		})
	}
	return os.RemoveAll(path)
}

// syncFolder waits until what is in a folder is on the disk.
func syncFolder(folder string) error {
	file, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer file.Close()
	return syncFilesystem(file)
}
