package build

import (
	"path/filepath"
	"testing"
)

func TestRarePartsOfTheStandardLibraryGoInWhereTheyAreUsed(t *testing.T) {
	const database, converter = "python/lib/python3.11/lib-dynload/_dbm.cpython-311.so", "python/lib/python3.11/lib2to3/main.py"
	for name, c := range map[string]struct {
		file, text          string
		database, converter bool
	}{
		"nobody":           {"app/site.py", "import json, kdbm", false, false},
		"the application":  {"app/site.py", "import shelve", true, false},
		"a package":        {"venv/lib/python3.11/site-packages/past.py", "from lib2to3 import refactor", false, true},
		"compiled code":    {"venv/lib/python3.11/site-packages/fast.cpython-311.so", "\x00dbm\x00", true, false},
		"who knows":        {"paths/0/packages.zip", "PK", true, true},
		"a text has it":    {"app/README", "dbm", false, false},
		"only the library": {"python/lib/python3.11/shelve.py", "import dbm", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			top := folder(t, map[string]string{"x": c.text, "y": "import dbm, lib2to3"})
			all := newCollection()
			all.add(source{path: c.file, from: filepath.Join(top, "x")})
			for _, part := range []string{database, converter} {
				all.add(source{path: part, from: filepath.Join(top, "y")})
			}
			if err := all.leaveOutUnused(); err != nil {
				t.Fatal(err)
			}
			_, hasDatabase := all.sources[database]
			_, hasConverter := all.sources[converter]
			if _, there := all.sources[c.file]; !there || hasDatabase != c.database || hasConverter != c.converter {
				t.Errorf("dbm %v, lib2to3 %v", hasDatabase, hasConverter)
			}
		})
	}
}
