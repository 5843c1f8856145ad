package python

import (
	"os"
	"path/filepath"
	"testing"
)

// Each place counts only if those before it are none.
func TestPlacesWhereAnInterpreterIsLookedFor(t *testing.T) {
	installed, active, folder := withPython(t, answers("CPython", "3.11.1", "/installed")), withPython(t, answers("CPython", "3.11.1", "/active")), t.TempDir()
	write(t, filepath.Join(installed, "pyvenv.cfg"), "home = /usr/bin\n")
	program := filepath.Join(installed, "bin", "gowsgi")
	write(t, program, "")
	beside := filepath.Join(folder, ".venv")
	write(t, filepath.Join(beside, "bin", "python"), "#!/bin/sh\n"+answers("CPython", "3.11.1", "/beside")+"\n")
	write(t, filepath.Join(beside, "pyvenv.cfg"), "home = /usr/bin\n")

	outside := t.TempDir()
	link := filepath.Join(outside, "bin", "gowsgi")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	several := t.TempDir()
	for _, name := range []string{".venv", "other"} {
		write(t, filepath.Join(several, name, "pyvenv.cfg"), "home = /usr/bin\n")
	}
	onPath := withPython(t, "")
	write(t, filepath.Join(onPath, "bin", "python3"), "#!/bin/sh\n"+answers("CPython", "3.11.1", "/path")+"\n")
	t.Setenv("PATH", filepath.Join(onPath, "bin")+":/usr/bin:/bin")

	for _, c := range []struct {
		name         string
		where        Where
		active       string
		prefix, from string
	}{
		{"the option", Where{Venv: active, Program: program, Folder: folder}, "", "/active", "--venv"},
		{"where gowsgi lies", Where{Program: program, Folder: folder}, active, "/installed", "gowsgi's own virtualenv"},
		{"a link to where gowsgi lies is none", Where{Program: link, Folder: folder}, active, "/active", "$VIRTUAL_ENV"},
		{"the environment", Where{Program: "/usr/bin/gowsgi", Folder: folder}, active, "/active", "$VIRTUAL_ENV"},
		{"the folder", Where{Program: link, Folder: folder}, "", "/beside", "the folder's virtualenv"},
		{"a folder with several", Where{Folder: several}, "", "/path", "python3 on PATH"},
		{"no folder", Where{Program: "gowsgi"}, "", "/path", "python3 on PATH"},
		{"a folder that is none", Where{Folder: "/nonexistent"}, "", "/path", "python3 on PATH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("VIRTUAL_ENV", c.active)
			found, err := locate(c.where)
			if err != nil || found.from != c.from {
				t.Fatalf("%+v, %v; want %s", found, err, c.from)
			}
			answer, err := ask(t.Context(), found, nil, nil)
			if err != nil || string(answer.Prefix) != c.prefix {
				t.Errorf("%+v, %v; want %s", answer, err, c.prefix)
			}
		})
	}
}
