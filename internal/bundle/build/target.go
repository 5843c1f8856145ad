package build

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/config"
)

// checkTargets looks whether the applications are among what goes in. Their code is
// not run: what raises where it is imported may want what is only there where it will
// serve, such as a database.
func (c *collection) checkTargets(folder, prefix string, s *config.Settings) error {
	for _, each := range s.Applications() {
		if err := c.checkTarget(folder, prefix, each.Target); err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) checkTarget(folder, prefix, target string) error {
	where, file := whereOf(folder, target)
	if file {
		if _, there := c.sources[path.Join(bundle.AppPath, where)]; !there {
			return fmt.Errorf("the application's file %s is not among what goes in from %s: name the right folder with --chdir, or take the file in with --include", where, folder)
		}
		return nil
	}
	// In which folders Python will look, files of .pth have a say in: any will do.
	way := "/" + strings.ReplaceAll(where, ".", "/")
	for name := range c.sources {
		if strings.Contains(name, way+"/") || strings.Contains(name, way+".") {
			return nil
		}
	}
	return fmt.Errorf("no module named %q goes in, from %s or the packages of %s: name the folder that it is in with --chdir, or --pythonpath for one below, and take in what .gitignore names with --include", where, folder, prefix)
}

// whereOf is the module that a target names, or the file; see load.py.
func whereOf(folder, target string) (where string, file bool) {
	if isFile(filepath.Join(folder, target)) {
		return target, true
	}
	where, _, _ = strings.Cut(target, "(")
	if module, callable, found := cutLast(where, ":"); found && !strings.Contains(callable, "/") {
		where = module
	}
	return where, strings.HasSuffix(where, ".py") || strings.Contains(where, "/") || isFile(filepath.Join(folder, where))
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}
