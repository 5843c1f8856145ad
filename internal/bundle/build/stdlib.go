package build

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/control"
)

// unserved are parts of the standard library that nobody serves with.
var unserved = []string{
	"test", "idlelib", "tkinter", "turtledemo", "turtle.py", "ensurepip", "EXTERNALLY-MANAGED",
	"*/test", "*/tests", "lib-dynload/_tkinter.*", "lib-dynload/_test*", "lib-dynload/_ctypes_test*",
	"lib-dynload/_xxtest*", "lib-dynload/xx*",
	"pydoc_data",        // what help() says of the language
	"lib-dynload/nis.*", // for Sun's yellow pages, with all of Kerberos behind it
}

// never are there for who links with CPython.
var never = []string{"config-*", "site-packages", "dist-packages"}

func matches(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if ok, _ := path.Match(pattern, name); ok { // the patterns are ours
			return true
		}
	}
	return false
}

// addInterpreter adds CPython: the program and the standard library.
// Where they are to each other stays as it is.
func (c *collection) addInterpreter(p control.Python, answer probed, full bool) (bundle.Python, error) {
	skip := func(rel string, entry fs.DirEntry) bool {
		return matches(never, rel) || !full && matches(unserved, rel)
	}
	place := func(folder string) (string, error) {
		rel, ok := below(answer.BasePrefix, folder)
		if !ok {
			return "", fmt.Errorf("the standard library %s is not below %s, and no bundle can be made of such a Python", folder, answer.BasePrefix)
		}
		return path.Join(bundle.PythonPath, filepath.ToSlash(rel)), nil
	}
	var library string
	for _, folder := range []string{answer.Stdlib, answer.Platstdlib} {
		to, err := place(folder)
		if err != nil {
			return bundle.Python{}, err
		}
		if library == "" {
			library = to
		}
		if err := c.addTree(folder, to, skip); err != nil {
			return bundle.Python{}, err
		}
	}
	if answer.Dynload != "" && path.Base(answer.Dynload) == "lib-dynload" {
		if _, inside := below(answer.Platstdlib, answer.Dynload); !inside {
			if err := c.addTree(answer.Dynload, path.Join(library, "lib-dynload"), skip); err != nil {
				return bundle.Python{}, err
			}
		}
	}
	base, venv := path.Join(bundle.PythonPath, "bin"), path.Join(bundle.VenvPath, "bin")
	inside := bundle.Python{
		Name: p.Name, Version: p.Version, Executable: path.Join(venv, "python"), Base: base, Prefix: bundle.VenvPath,
	}
	program := inside.Program()
	c.add(source{path: program, from: answer.Executable, executable: true, search: "$ORIGIN/../lib"})
	for _, name := range []string{"python", "python3", path.Base(program)} {
		c.add(source{path: path.Join(venv, name), link: path.Join("..", "..", program)})
		c.add(source{path: path.Join(base, name), link: path.Base(program)})
	}
	return inside, nil
}
