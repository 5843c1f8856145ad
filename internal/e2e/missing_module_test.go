package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A module that is missing, with a virtualenv beside the application that is not
// the one in use: most likely the module is there.
func TestMissingModuleNamesTheVirtualenvBesideTheApplication(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "app.py"), "import no_such_dependency\n")
	write(t, filepath.Join(folder, "broken.py"), "import json\njson.no_such_name\n")
	site := filepath.Join(folder, "site")
	write(t, filepath.Join(site, "app.py"), "import no_such_dependency\n")
	elsewhere := t.TempDir()
	for _, test := range []struct {
		name, dir string
		args      []string
		venv      string // where one is
		hint      bool
	}{
		{"its dependency", folder, []string{"app"}, folder, true},
		{"itself", folder, []string{"no_such_module"}, folder, true},
		{"in the folder of --chdir", elsewhere, []string{"--chdir", folder, "app"}, folder, true},
		{"beside the folder of --chdir", elsewhere, []string{"--chdir", site, "app"}, folder, true},
		{"beside a file's folder", elsewhere, []string{filepath.Join(site, "app.py")}, folder, true},
		{"beside a file", elsewhere, []string{filepath.Join(site, "app.py")}, site, true},
		{"no virtualenv", elsewhere, []string{filepath.Join(folder, "app.py")}, "", false},
		{"something else is wrong", folder, []string{"broken"}, folder, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			venv := filepath.Join(test.venv, ".venv")
			if test.venv != "" {
				write(t, filepath.Join(venv, "pyvenv.cfg"), "home = /usr/bin\n")
				defer os.RemoveAll(venv)
			}
			result := Run(t, Options{Dir: test.dir}, append([]string{"-b", freeAddr(t), "--venv", PlainVenv(t)}, test.args...)...)
			last := strings.TrimSpace(result.Errors[strings.LastIndex(result.Errors, "gowsgi: "):])
			if has := strings.HasSuffix(last, "; there is a virtualenv that is not in use: --venv "+venv); result.Status != 1 || has != test.hint {
				t.Errorf("status %d: %q", result.Status, last)
			}
		})
	}
	t.Run("it is the one in use, and there is another beside the folder", func(t *testing.T) {
		write(t, filepath.Join(filepath.Dir(folder), ".venv", "pyvenv.cfg"), "home = /usr/bin\n")
		if err := os.Symlink(PlainVenv(t), filepath.Join(folder, "venv")); err != nil {
			t.Fatal(err)
		}
		result := Run(t, Options{Dir: folder}, "-b", freeAddr(t), "--venv", PlainVenv(t), "app")
		last := result.Errors[strings.LastIndex(result.Errors, "gowsgi: "):]
		if result.Status != 1 || strings.Contains(last, "--venv") {
			t.Errorf("status %d: %s", result.Status, result.Errors)
		}
	})
}
