package build

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/internal/bundle"
)

// pathFile is the file with which site finds what is beside the packages.
const pathFile = "_gowsgi.pth"

// addPackages adds what the interpreter imports packages from. application is
// the application's folder and search what of it is on sys.path.
func (c *collection) addPackages(answer probed, application string, search []string, full bool) error {
	packages := sitePath(answer.Purelib, answer)
	var beside []string
	for i, entry := range answer.Path {
		if same(entry, answer.Purelib) || same(entry, answer.Platlib) {
			if err := c.addSite(entry, packages, answer, full); err != nil {
				return err
			}
			continue
		}
		if rel, inside := below(application, entry); inside {
			beside = append(beside, path.Join(bundle.AppPath, filepath.ToSlash(rel)))
			continue
		}
		to := path.Join("paths", fmt.Sprint(i), filepath.Base(entry))
		info, err := os.Stat(entry)
		switch {
		case err != nil:
			return err
		case info.IsDir():
			err = c.addSite(entry, to, answer, full)
		default: // a zip file
			c.add(source{path: to, from: entry})
		}
		if err != nil {
			return err
		}
		beside = append(beside, to)
	}
	var text strings.Builder
	for _, folder := range append(beside, search...) {
		rel, err := filepath.Rel(packages, folder)
		if err != nil {
			return err
		}
		text.WriteString(rel + "\n")
	}
	c.add(source{path: path.Join(packages, pathFile), content: []byte(text.String())})
	return c.addScripts(answer, full)
}

// inventory are the packages that go in.
func inventory(packages []bundle.Package, full bool) []bundle.Package {
	return slices.DeleteFunc(slices.Clone(packages), func(p bundle.Package) bool { return !full && strings.EqualFold(p.Name, "pip") })
}

// sitePath is where a folder of packages is in the bundle's virtualenv.
func sitePath(folder string, answer probed) string {
	if rel, ok := below(answer.Prefix, folder); ok && strings.HasSuffix(rel, "site-packages") {
		return path.Join(bundle.VenvPath, filepath.ToSlash(rel))
	}
	return path.Join(bundle.VenvPath, "lib", filepath.Base(answer.Stdlib), "site-packages") // Debian's dist-packages
}

func same(a, b string) bool {
	one, err := os.Stat(a)
	other, otherErr := os.Stat(b)
	return err == nil && otherErr == nil && os.SameFile(one, other)
}

// addSite adds a folder of packages.
func (c *collection) addSite(folder, to string, answer probed, full bool) error {
	finders := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(answer.Editable)) {
		if filepath.Dir(file) != folder {
			continue
		}
		finders[strings.TrimSuffix(filepath.Base(file), ".py")] = true
		if err := c.addEditable(answer.Editable[file], to); err != nil {
			return err
		}
	}
	return c.addTree(folder, to, func(rel string, entry fs.DirEntry) bool {
		switch base := path.Base(rel); {
		case rel == base && finders[strings.TrimSuffix(base, ".py")]:
			return true
		case rel == base && strings.HasSuffix(base, ".pth"):
			c.addPathFile(filepath.Join(folder, rel), path.Join(to, rel), finders)
			return true
		case base == "direct_url.json": // a path of this machine
			return true
		case !full && (rel == "pip" || strings.HasPrefix(rel, "pip-") && strings.HasSuffix(rel, ".dist-info")):
			return true // there is nothing to install into
		case !full && path.Ext(base) == ".po" && isFile(filepath.Join(folder, strings.TrimSuffix(rel, ".po")+".mo")):
			return true // what the other one was made of, and nobody reads
		}
		return false
	})
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// addEditable adds packages that are imported from where they are written as if
// they were installed.
func (c *collection) addEditable(mapping map[string]string, to string) error {
	for _, name := range slices.Sorted(maps.Keys(mapping)) {
		from, at := mapping[name], path.Join(to, strings.ReplaceAll(name, ".", "/"))
		info, err := os.Stat(from)
		if err != nil { // a module
			from, at = from+".py", at+".py"
			info, err = os.Stat(from)
		}
		switch {
		case err != nil:
			return fmt.Errorf("%s is installed from %s, which is gone: install it again", name, mapping[name])
		case info.IsDir():
			err = c.addTree(from, at, func(string, fs.DirEntry) bool { return false })
		default:
			c.add(source{path: at, from: from, python: true})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addPathFile adds a .pth file without what is only right here: folders, which
// are in the bundle elsewhere, and finders.
func (c *collection) addPathFile(from, to string, finders map[string]bool) {
	data, err := os.ReadFile(from)
	if err != nil {
		c.note("%s cannot be read and is left out", from)
		return
	}
	var kept strings.Builder
	for line := range strings.Lines(string(data)) {
		text := strings.TrimSpace(line)
		code := strings.HasPrefix(text, "import ") || strings.HasPrefix(text, "import\t")
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
			continue
		case code && slices.ContainsFunc(slices.Collect(maps.Keys(finders)), func(name string) bool { return strings.Contains(text, name) }):
			continue
		case !code && filepath.IsAbs(text):
			continue
		case !code && !filepath.IsLocal(text):
			continue // what is there was told as a part of sys.path
		}
		kept.WriteString(text + "\n")
	}
	if kept.Len() > 0 {
		c.add(source{path: to, content: []byte(kept.String())})
	}
}

// addScripts adds the console scripts, with a first line that holds wherever they
// are: the interpreter beside them.
func (c *collection) addScripts(answer probed, full bool) error {
	for _, name := range answer.Scripts {
		if !full && (name == "pip" || strings.HasPrefix(name, "pip3")) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(answer.ScriptsFolder, name))
		if err != nil {
			continue // not installed, or elsewhere
		}
		first, rest, found := strings.Cut(string(data), "\n")
		if !found || !strings.HasPrefix(first, "#!") {
			continue // no script
		}
		if strings.HasPrefix(rest, "'''exec' ") { // pip's own way where the path is long
			_, rest, _ = strings.Cut(rest, "\n")
			_, rest, _ = strings.Cut(rest, "\n")
		}
		text := "#!/bin/sh\n'''exec' \"$(dirname \"$0\")/python\" \"$0\" \"$@\"\n' '''\n" + rest
		c.add(source{path: path.Join(bundle.VenvPath, "bin", name), content: []byte(text), executable: true})
	}
	return nil
}

// scripts are the console scripts that were added, and manage.py.
func (c *collection) scripts() map[string]string {
	found := map[string]string{}
	bin := path.Join(bundle.VenvPath, "bin")
	for at, s := range c.sources {
		if path.Dir(at) == bin && s.content != nil {
			found[path.Base(at)] = at
		}
	}
	if manage := path.Join(bundle.AppPath, "manage.py"); c.sources[manage].from != "" {
		found["manage"] = manage
	}
	return found
}
