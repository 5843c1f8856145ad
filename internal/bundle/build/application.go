package build

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/config"
)

// tools are folders that belong to tools, not to the application.
var tools = []string{".git", ".hg", ".svn", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__", ".idea", ".vscode"}

// application walks over the application's folder.
type application struct {
	*collection
	folder           string
	include, exclude globs
	output           string      // the bundle itself, which may lie in it
	ignored          int         // files and folders that .gitignore names
	secrets          [][2]string // paths, and why
}

// addApplication adds the application's folder: what git would keep, --include
// and --exclude over that, without secrets.
func (c *collection) addApplication(folder, output string, include, exclude []string) error {
	a := &application{collection: c, folder: folder, include: include, exclude: exclude, output: output}
	if err := a.walk(nil, nil, false); err != nil {
		var denied *fs.PathError
		if errors.As(err, &denied) && errors.Is(err, fs.ErrPermission) {
			if rel, below := strings.CutPrefix(denied.Path, folder+"/"); below {
				err = fmt.Errorf("%s in the application's folder cannot be read: --exclude %s leaves it out", rel, config.ShellWord(rel))
			}
		}
		return err
	}
	slices.SortFunc(a.secrets, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	for _, each := range a.secrets {
		c.note("%s (%s) is left out: it looks like a secret; --include %s takes it in", each[0], each[1], config.ShellWord(each[0]))
	}
	a.noteLarge()
	if a.ignored > 0 {
		c.note("%d files and folders that .gitignore names are left out; --include takes one in", a.ignored)
	}
	return nil
}

// walk adds a folder; without: git passes over it, and only what --include names
// is taken.
func (a *application) walk(parts []string, above rules, without bool) error {
	folder := filepath.Join(append([]string{a.folder}, parts...)...)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	here, err := above.below(folder, parts)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		way := append(parts[:len(parts):len(parts)], entry.Name())
		if err := a.visit(way, here, without, entry); err != nil {
			return err
		}
	}
	return nil
}

func (a *application) visit(way []string, here rules, without bool, entry fs.DirEntry) error {
	rel, from := path.Join(way...), filepath.Join(append([]string{a.folder}, way...)...)
	wanted := a.include.match(rel)
	if a.exclude.match(rel) || from == a.output || slices.Contains(tools, entry.Name()) && (entry.IsDir() || entry.Name() == ".git") {
		return nil
	}
	if !without && !wanted && here.ignored(way, entry.IsDir()) {
		a.ignored++
		without = true
	}
	switch {
	case entry.IsDir():
		if _, err := os.Stat(filepath.Join(from, "pyvenv.cfg")); err == nil {
			return nil // its packages come by the interpreter
		}
		if without && !wanted && !a.include.leadsTo(rel) {
			return nil
		}
		return a.walk(way, here, without)
	case without && !wanted:
		return nil
	case entry.Type()&fs.ModeSymlink != 0:
		return a.addLink(rel, from)
	case !entry.Type().IsRegular():
		a.note("%s is left out: it is no file", rel)
		return nil
	}
	return a.addFile(rel, from, wanted)
}

func (a *application) addFile(rel, from string, wanted bool) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	why, err := secret(rel, from)
	if err != nil {
		return err
	}
	python := strings.HasSuffix(rel, ".py")
	switch {
	case why != "" && wanted:
		a.note("%s goes in, and looks like a secret (%s): who has the bundle has it", rel, why)
	case why != "" && python:
		a.note("%s goes in, and %s: who has the bundle has it", rel, why)
	case why != "":
		a.secrets = append(a.secrets, [2]string{rel, why})
		return nil
	}
	if isBundle(from) {
		a.note("%s is left out: it is a bundle itself", rel)
		return nil
	}
	if isDatabase(from) {
		a.note("%s goes in, and cannot be written to in a bundle: let the application keep its data elsewhere, or --exclude %s", rel, rel)
	}
	a.add(source{path: path.Join(bundle.AppPath, rel), from: from, executable: info.Mode()&0o111 != 0, python: python})
	return nil
}

// addLink keeps a link that leads to something in the folder, and takes in the
// file that another leads to.
func (a *application) addLink(rel, from string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if leadsNowhere(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if inside := path.Join(path.Dir(rel), target); !filepath.IsAbs(target) && filepath.IsLocal(inside) {
		a.add(source{path: path.Join(bundle.AppPath, rel), link: target})
		return nil
	}
	if info.IsDir() {
		a.note("%s is left out: it leads out of the application's folder, to %s", rel, target)
		return nil
	}
	if !info.Mode().IsRegular() {
		a.note("%s is left out: it leads to %s, which is no file", rel, target)
		return nil
	}
	wanted := a.include.match(rel)
	if real, err := filepath.EvalSymlinks(from); err == nil && !wanted {
		if why, err := secret(filepath.ToSlash(real), real); err == nil && why != "" {
			a.secrets = append(a.secrets, [2]string{rel, "it leads to " + target + ": " + why})
			return nil
		}
	}
	a.note("%s goes in as the file that it leads to, %s", rel, target)
	return a.addFile(rel, from, wanted)
}

// noteLarge names what most of the bundle is for, lest nobody wants it there.
func (a *application) noteLarge() {
	const large = 32 << 20
	sizes := map[string]int64{}
	for _, s := range a.sources {
		if rel, found := strings.CutPrefix(s.path, bundle.AppPath+"/"); found && s.from != "" {
			if info, err := os.Stat(s.from); err == nil {
				first, _, _ := strings.Cut(rel, "/")
				sizes[first] += info.Size()
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		if sizes[name] >= large {
			a.note("%s goes in with %.0f MB: --exclude %s leaves it out", name, float64(sizes[name])/1e6, config.ShellWord(name))
		}
	}
}

// leadsNowhere tells that a link cannot be followed to its end: what it leads to is not
// there, or is itself, as with lock files.
func leadsNowhere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

func isDatabase(path string) bool { return begins(path, []byte("SQLite format 3\x00")) }

func isBundle(path string) bool {
	site, err := bundle.Open(path)
	if err == nil {
		site.Close()
	}
	return err == nil
}

func begins(path string, with []byte) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	first := make([]byte, len(with))
	n, _ := file.Read(first)
	return bytes.Equal(first[:n], with)
}
