package build

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// rules are those of .gitignore, down to some folder.
type rules []gitignore.Pattern

// below adds those of a folder; parts is the way to it.
func (r rules) below(folder string, parts []string) (rules, error) {
	all := r[:len(r):len(r)]
	names := []string{".gitignore"}
	if len(parts) == 0 {
		names = append([]string{filepath.Join(".git", "info", "exclude")}, names...)
	}
	for _, name := range names {
		file, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			if leadsNowhere(err) { // .git is a file in a worktree, and in a submodule
				continue
			}
			return nil, err
		}
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			if line := lines.Text(); line != "" && !strings.HasPrefix(line, "#") {
				all = append(all, gitignore.ParsePattern(strings.ReplaceAll(line, "[!", "[^"), parts))
			}
		}
		file.Close()
		if err := lines.Err(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ignored tells whether git would pass over that path.
func (r rules) ignored(parts []string, folder bool) bool {
	return gitignore.NewMatcher(r).Match(parts, folder)
}

// globs are patterns of --include or --exclude, from the application's folder.
type globs []string

// match tells whether one of them is the path, a folder that it is in, or its
// name.
func (g globs) match(rel string) bool {
	parts := strings.Split(rel, "/")
	for _, pattern := range g {
		pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "./"), "/")
		for i := range parts {
			path := strings.Join(parts[:i+1], "/")
			if ok, _ := doublestar.Match(pattern, path); ok { // they were checked
				return true
			}
			if ok, _ := doublestar.Match(pattern, parts[i]); ok && !strings.Contains(pattern, "/") {
				return true
			}
		}
	}
	return false
}

// leadsTo tells whether something below a folder may match.
func (g globs) leadsTo(rel string) bool {
	for _, pattern := range g {
		pattern = strings.TrimPrefix(pattern, "./")
		static, _ := doublestar.SplitPattern(pattern)
		if static == "." || !strings.Contains(pattern, "/") || static == rel ||
			strings.HasPrefix(static, rel+"/") || strings.HasPrefix(rel+"/", static+"/") {
			return true
		}
	}
	return false
}
