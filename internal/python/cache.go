package python

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/python/packed"
	"github.com/gowsgi/gowsgi/internal/scarcity"
)

// unpack makes the worker of this name a file that can be started: in the
// cache, or else in memory.
func (w Workers) unpack(name string) (*Program, error) {
	program, err := w.inCache(name)
	if errors.Is(err, packed.ErrDamaged) {
		return nil, fmt.Errorf("%w: build or download this gowsgi again", err)
	}
	if err == nil {
		return program, nil
	}
	program, memoryErr := w.inMemory(name)
	if memoryErr != nil {
		if words := cmp.Or(scarcity.Of(memoryErr), scarcity.Of(err)); words != "" {
			return nil, errors.New(words)
		}
		return nil, fmt.Errorf("%w, and keeping it in memory does not work either: %w: set XDG_CACHE_HOME to a folder that is yours", err, memoryErr)
	}
	return program, nil
}

func (w Workers) inCache(name string) (*Program, error) {
	hash, err := w.copy(name, nil)
	if err != nil {
		return nil, err
	}
	folder, err := cacheFolder()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, name+"-"+hash)
	if program, err := openCached(path, hash); err == nil {
		return program, nil
	}
	if err := w.writeCached(name, path); err != nil {
		return nil, err
	}
	return openCached(path, hash)
}

// cacheFolder is the folder for workers, made if need be, but never a HOME that
// does not exist. Nobody else may write to it, or put another in its place.
func cacheFolder() (string, error) {
	parent, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(parent, "gowsgi")
	for _, each := range []string{parent, folder} {
		if err := os.Mkdir(each, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		info, err := os.Stat(each)
		if err != nil {
			return "", err
		}
		// A service's /var/cache/gowsgi has a parent of root's.
		rightful := ownedBy(info, os.Geteuid()) || each == parent && ownedBy(info, 0)
		switch mode := info.Mode(); {
		case !rightful:
			return "", fmt.Errorf("%s belongs to somebody else", each)
		case !mode.IsDir():
			return "", fmt.Errorf("%s is not a folder", each)
		case each == parent && mode&0o002 != 0 && mode&os.ModeSticky == 0:
			return "", fmt.Errorf("everybody may rename what is in %s", each)
		case each == folder && mode.Perm()&0o077 != 0:
			if err := os.Chmod(folder, 0o700); err != nil {
				return "", err
			}
		}
	}
	return folder, nil
}

// openCached opens a file of the cache if it is what it should be and may be
// executed where it lies.
func openCached(path, hash string) (*Program, error) {
	// Says no for everything on a file system mounted noexec.
	if err := unix.Access(path, unix.X_OK); err != nil {
		return nil, &os.PathError{Op: "execute", Path: path, Err: err}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && (!info.Mode().IsRegular() || !ownedBy(info, os.Geteuid())) {
		err = fmt.Errorf("%s is not a file of ours", path)
	}
	if err == nil {
		content := sha256.New()
		if _, err = io.Copy(content, file); err == nil && hex.EncodeToString(content.Sum(nil)) != hash {
			err = fmt.Errorf("%s does not hold what was written to it", path)
		}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Program{path: path, file: file}, nil
}

// writeCached unpacks a worker to path. It writes beside and renames, so that
// of several gowsgi that do it at once each finds a whole file.
func (w Workers) writeCached(name, path string) error {
	unfinished, err := os.CreateTemp(filepath.Dir(path), ".unpacking-")
	if err != nil {
		return err
	}
	_, err = w.copy(name, unfinished)
	err = errors.Join(err, unfinished.Chmod(0o700), unfinished.Close())
	if err == nil {
		err = os.Rename(unfinished.Name(), path)
	}
	if err != nil {
		os.Remove(unfinished.Name())
	}
	return err
}

// copy unpacks a worker to out and returns its hash; with a nil out it only
// looks the hash up.
func (w Workers) copy(name string, out io.Writer) (hash string, err error) {
	file, err := w.files.Open(path.Join(workersFolder, name+workerSuffix))
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash, content, err := packed.Open(file, w.base)
	if err == nil && out != nil {
		_, err = io.Copy(out, content)
	}
	return hash, err
}

// base unpacks the worker that another is packed as the difference to.
func (w Workers) base(name string) ([]byte, error) {
	file, err := w.files.Open(path.Join(workersFolder, name+workerSuffix))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", packed.ErrDamaged, err)
	}
	defer file.Close()
	_, content, err := packed.Open(file, func(string) ([]byte, error) {
		return nil, fmt.Errorf("%w: %s is no whole worker", packed.ErrDamaged, name)
	})
	if err != nil {
		return nil, err
	}
	return io.ReadAll(content)
}

func ownedBy(info os.FileInfo, uid int) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == uid
}
