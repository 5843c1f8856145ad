package watch

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// set is what is watched. Paths are absolute. Events name files by the folder
// that the kernel watches, so folders are looked up without symbolic links.
type set struct {
	named    []string // files, as they were given
	patterns []pattern
	files    map[string]bool // where locate has found the files to be
}

// pattern matches files below base.
type pattern struct {
	base    string // as it was given
	rest    string
	located string // base without symbolic links
}

func newSet(files, patterns []string) (set, error) {
	s := set{files: map[string]bool{}}
	for _, text := range append(append([]string{}, files...), patterns...) {
		path, err := filepath.Abs(text)
		if err != nil {
			return s, fmt.Errorf("the current folder is gone: %w", err)
		}
		switch {
		case len(s.named) < len(files):
			s.named = append(s.named, path)
			continue
		case isDir(path):
			path = filepath.Join(path, "**")
		case !doublestar.ValidatePattern(path):
			return s, fmt.Errorf("--reload-extra-file %s: that is no pattern: brackets and braces must be closed", text)
		}
		base, rest := doublestar.SplitPattern(path)
		s.patterns = append(s.patterns, pattern{base: base, rest: rest})
	}
	return s, nil
}

// add takes one file more.
func (s *set) add(path string) {
	s.named = append(s.named, path)
	s.files[path] = true
}

// has tells whether a file belongs to the set.
func (s *set) has(path string) bool {
	if s.files[path] {
		return true
	}
	if isBytecode(path) {
		return false
	}
	for _, p := range s.patterns {
		below, ok := strings.CutPrefix(path, strings.TrimSuffix(p.located, "/")+"/")
		if ok && doublestar.MatchUnvalidated(p.rest, below) {
			return true
		}
	}
	return false
}

// locate finds out where the files of the set are, or would be, and returns the
// folders to watch for them.
func (s *set) locate() (folders map[string]bool) {
	folders = map[string]bool{}
	s.files = map[string]bool{}
	known := map[string]string{} // folders without links
	folder := func(path string) string {
		found, ok := known[path]
		if !ok {
			found = withoutLinks(path)
			known[path] = found
		}
		return found
	}
	for _, file := range s.named {
		path := filepath.Join(folder(filepath.Dir(file)), filepath.Base(file))
		s.files[path] = true
		folders[existing(filepath.Dir(path))] = true
		if target, err := filepath.EvalSymlinks(path); err == nil && target != path {
			s.files[target] = true // that is what is written to
			folders[filepath.Dir(target)] = true
		}
	}
	for i := range s.patterns {
		p := &s.patterns[i]
		p.located = folder(p.base)
		folders[existing(p.located)] = true
		p.addFolders(folders)
	}
	return folders
}

// addFolders adds those below the base that can have files that match.
func (p *pattern) addFolders(folders map[string]bool) {
	deepest := strings.Count(p.rest, "/")
	if strings.Contains(p.rest, "**") {
		deepest = int(^uint(0) >> 1)
	}
	_ = filepath.WalkDir(p.located, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return filepath.SkipDir // gone or closed to us
		case !entry.IsDir():
			return nil
		case path == p.located:
		case isDull(entry.Name()), strings.Count(path[len(p.located):], "/") > deepest:
			return filepath.SkipDir
		}
		folders[path] = true
		return nil
	})
}

// withoutLinks resolves the symbolic links in a path that need not exist.
func withoutLinks(path string) string {
	if found, err := filepath.EvalSymlinks(path); err == nil {
		return found
	}
	parent := filepath.Dir(path)
	if parent == path {
		return path
	}
	return filepath.Join(withoutLinks(parent), filepath.Base(path))
}

// existing is the folder, or the nearest one above it that there is.
func existing(folder string) string {
	for {
		if info, err := os.Stat(folder); err == nil && info.IsDir() || folder == filepath.Dir(folder) {
			return folder
		}
		folder = filepath.Dir(folder)
	}
}

// isDull tells of folders in which nobody means files to be found by a pattern.
func isDull(name string) bool {
	return strings.HasPrefix(name, ".") || name == "__pycache__" || name == "node_modules" || name == "site-packages"
}

// isBytecode tells of what Python writes while it imports.
func isBytecode(path string) bool {
	return strings.HasSuffix(path, ".pyc") || strings.Contains(path, "/__pycache__/")
}

// isModule tells of Python files, but not of an editor's (.#x.py).
func isModule(path string) bool {
	name := filepath.Base(path)
	return strings.HasSuffix(name, ".py") && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "#")
}
