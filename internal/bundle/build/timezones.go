package build

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/internal/bundle"
)

// zoneFolders are where a system has its time zones.
var zoneFolders = []string{"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"}

// addTimeZones adds the machine's time zones in the form of PyPI's tzdata, where
// zoneinfo looks if the system has none: containers often have not, and Django
// asks for UTC at every page. packages is where packages go.
func (c *collection) addTimeZones(packages string, installed []bundle.Package) error {
	if slices.ContainsFunc(installed, func(p bundle.Package) bool { return strings.EqualFold(p.Name, "tzdata") }) {
		return nil
	}
	for _, folder := range zoneFolders {
		if folder, err := filepath.EvalSymlinks(folder); err == nil {
			return c.addZones(folder, path.Join(packages, "tzdata"))
		}
	}
	c.note("this machine has no time zones, so the bundle has none either: install tzdata, here by pip or there by the system")
	return nil
}

func (c *collection) addZones(folder, to string) error {
	var zones []string
	folders := map[string]bool{}
	err := filepath.WalkDir(folder, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(folder, at)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if rel == "posix" || rel == "right" { // the same, and with leap seconds
				return fs.SkipDir
			}
			return nil
		}
		if info, err := os.Stat(at); err != nil || !info.Mode().IsRegular() || !begins(at, []byte("TZif")) || rel == "posixrules" || rel == "localtime" {
			return nil //nolint:nilerr // a broken link is no zone
		}
		zones = append(zones, filepath.ToSlash(rel))
		c.add(source{path: path.Join(to, "zoneinfo", rel), from: at})
		for dir := path.Dir(rel); !folders[dir]; dir = path.Dir(dir) {
			folders[dir] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(zones)
	c.add(source{path: path.Join(to, "zones"), content: []byte(strings.Join(zones, "\n") + "\n")})
	for dir := range folders {
		c.add(source{path: path.Join(to, "zoneinfo", dir, "__init__.py"), content: []byte{}})
	}
	c.add(source{path: path.Join(to, "__init__.py"), content: []byte{}})
	return nil
}
