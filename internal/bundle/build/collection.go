package build

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/internal/bundle"
)

// source is what a file of the bundle is made of.
type source struct {
	path       string // in the bundle
	from       string // a file here; empty: content
	content    []byte
	link       string // it is a link
	executable bool
	python     bool   // it is compiled as well
	search     string // it is a program, and this is where its libraries are
}

// collection is what goes into the bundle.
type collection struct {
	sources map[string]source
	notes   []string
}

func newCollection() *collection { return &collection{sources: map[string]source{}} }

// add adds a file; the first one at a path stays.
func (c *collection) add(s source) {
	s.path = path.Clean(filepath.ToSlash(s.path))
	if _, there := c.sources[s.path]; !there {
		c.sources[s.path] = s
	}
}

func (c *collection) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}

// sorted are the sources in the order of the archive. Files of a kind beside each
// other compress better, and the worker behind the program.
func (c *collection) sorted() []source {
	all := make([]source, 0, len(c.sources))
	for _, s := range c.sources {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b source) int {
		if isWorker := a.path == bundle.WorkerPath; isWorker != (b.path == bundle.WorkerPath) {
			return map[bool]int{true: -1, false: 1}[isWorker]
		}
		return cmp.Or(cmp.Compare(path.Ext(a.path), path.Ext(b.path)), cmp.Compare(a.path, b.path))
	})
	return all
}

// addTree adds what is below folder, links followed, unless skip says so of the
// path from there. What is no file is passed over.
func (c *collection) addTree(folder, to string, skip func(rel string, entry fs.DirEntry) bool) error {
	return c.addFolder(folder, to, "", skip, nil)
}

func (c *collection) addFolder(folder, to, rel string, skip func(string, fs.DirEntry) bool, above []os.FileInfo) error {
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(above, func(other os.FileInfo) bool { return os.SameFile(other, info) }) {
		return nil // a link to a folder that it is in
	}
	above = append(above[:len(above):len(above)], info)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(rel, entry.Name())
		from := filepath.Join(folder, entry.Name())
		info, err := os.Stat(from)
		if leadsNowhere(err) || err == nil && !info.IsDir() && !info.Mode().IsRegular() {
			continue // a broken link, a socket
		}
		if err != nil {
			return err
		}
		if entry.Name() == "__pycache__" || skip(name, fs.FileInfoToDirEntry(info)) {
			continue
		}
		if info.IsDir() {
			if err := c.addFolder(from, to, name, skip, above); err != nil {
				return err
			}
			continue
		}
		c.add(source{
			path: path.Join(to, name), from: from, executable: info.Mode()&0o111 != 0,
			python: strings.HasSuffix(name, ".py"),
		})
	}
	return nil
}

// below is the path of file from folder, if it is in it.
func below(folder, file string) (string, bool) {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", false
	}
	if file, err = filepath.EvalSymlinks(file); err != nil {
		return "", false
	}
	rel, err := filepath.Rel(folder, file)
	return rel, err == nil && filepath.IsLocal(rel)
}
