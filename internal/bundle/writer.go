package bundle

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// writer puts files into a folder that nobody else may write to, and never
// outside of it.
type writer struct {
	site    *Site
	root    *os.Root
	final   string // the folder's path when it is finished
	fresh   bool   // it is empty, and nobody looks
	made    map[string]bool
	counter int
}

// newWriter writes to the folder at, which is final or will be.
func newWriter(s *Site, at, final string) (*writer, error) {
	root, err := os.OpenRoot(at)
	if err != nil {
		return nil, err
	}
	return &writer{site: s, root: root, final: final, fresh: at != final, made: map[string]bool{".": true}}, nil
}

func (w *writer) close() { _ = w.root.Close() }

// put writes a file of the manifest.
func (w *writer) put(file File, content []byte) error {
	if err := w.folder(filepath.Dir(file.Path)); err != nil {
		return err
	}
	beside := w.beside(file.Path)
	if file.Link != "" {
		if err := w.root.Symlink(file.Link, beside); err != nil {
			return err
		}
		return w.rename(beside, file.Path)
	}
	if file.Loads {
		var err error
		if content, err = SetLoader(content, filepath.Join(w.final, w.site.Loader)); err != nil {
			return err
		}
	}
	return w.write(file.Path, beside, content, mode(file))
}

func (w *writer) write(path, beside string, content []byte, mode os.FileMode) error {
	out, err := w.root.OpenFile(beside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(content)
	if err == nil {
		err = out.Chmod(mode)
	}
	if closing := out.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = w.rename(beside, path)
	}
	if err != nil {
		_ = w.root.Remove(beside) // the folder goes anyway, or the next one tries again
	}
	return err
}

func (w *writer) rename(beside, path string) error {
	if beside == path {
		return nil
	}
	return w.root.Rename(beside, path)
}

// beside is a name in the same folder that nobody has; the name itself if nobody
// looks.
func (w *writer) beside(path string) string {
	if w.fresh {
		return path
	}
	w.counter++
	beside := filepath.Join(filepath.Dir(path), ".writing-"+strconv.Itoa(os.Getpid())+"-"+strconv.Itoa(w.counter))
	_ = w.root.Remove(beside) // process 1 may have been killed at it before
	return beside
}

// folder makes folders, and lets us write to those that there are.
func (w *writer) folder(path string) error {
	if w.made[path] {
		return nil
	}
	if err := w.folder(filepath.Dir(path)); err != nil {
		return err
	}
	w.made[path] = true
	err := w.root.Mkdir(path, 0o755)
	if err != nil && os.IsExist(err) {
		err = w.root.Chmod(path, 0o755)
	}
	return err
}

// finish writes what depends on where the folder is, and closes the folders.
func (w *writer) finish() error {
	if config := w.site.config(w.final); config != "" {
		if err := w.folder(filepath.Dir(configPath)); err != nil {
			return err
		}
		if err := w.write(configPath, w.beside(configPath), []byte(config), 0o444); err != nil {
			return err
		}
	}
	if used, err := w.root.OpenFile(usedPath, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	} else if err := used.Close(); err != nil {
		return err
	}
	made := make([]string, 0, len(w.made))
	for path := range w.made {
		if path != "." {
			made = append(made, path)
		}
	}
	slices.Sort(made)
	slices.Reverse(made) // what is deeper first
	for _, path := range made {
		if err := w.root.Chmod(path, 0o555); err != nil {
			return err
		}
	}
	if os.Geteuid() == 0 { // for workers of a --user
		return w.root.Chmod(".", 0o755)
	}
	return nil
}

// config is pyvenv.cfg of a folder at path; empty if there is no Python in it.
func (m *Manifest) config(path string) string {
	if m.Python.Name == "" {
		return ""
	}
	return fmt.Sprintf("home = %s\ninclude-system-site-packages = false\nversion = %s\n", filepath.Join(path, m.Python.Base), m.Python.Version)
}
