package build

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestRarePartsOfTheStandardLibraryGoInWhereTheyAreUsed(t *testing.T) {
	const library = "python/lib/python3.11/"
	parts := map[string]string{"dbm": "lib-dynload/_dbm.cpython-311.so", "distutils": "distutils/core.py", "lib2to3": "lib2to3/main.py"}
	for name, c := range map[string]struct{ file, text, stay string }{
		"nobody":           {"app/site.py", "import json, kdbm", ""},
		"the application":  {"app/site.py", "import shelve", "dbm"},
		"a script of it":   {"app/setup.py", "from distutils.core import setup", "distutils"},
		"a package":        {"venv/lib/python3.11/site-packages/past.py", "from lib2to3 import refactor", "lib2to3"},
		"compiled code":    {"venv/lib/python3.11/site-packages/fast.cpython-311.so", "\x00dbm\x00", "dbm"},
		"who knows":        {"paths/0/packages.zip", "PK", "dbm distutils lib2to3"},
		"a text has it":    {"app/README", "dbm", ""},
		"only the library": {library + "shelve.py", "import dbm", ""},
	} {
		t.Run(name, func(t *testing.T) {
			top := folder(t, map[string]string{"x": c.text, "y": "import dbm, distutils, lib2to3"})
			all := newCollection()
			all.add(source{path: c.file, from: filepath.Join(top, "x")})
			for _, part := range parts {
				all.add(source{path: library + part, from: filepath.Join(top, "y")})
			}
			if err := all.leaveOutUnused(); err != nil {
				t.Fatal(err)
			}
			for word, part := range parts {
				if _, stays := all.sources[library+part]; stays != strings.Contains(c.stay, word) {
					t.Errorf("%s stays: %v", word, stays)
				}
			}
			if _, there := all.sources[c.file]; !there {
				t.Error("what uses it is gone")
			}
		})
	}
}
