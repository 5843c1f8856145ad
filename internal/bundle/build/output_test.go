package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
)

func TestTheExecutableIsCalledLikeNoSource(t *testing.T) {
	t.Chdir(folder(t, map[string]string{"mysite/wsgi.py": "", "hello.py": "", "site.wsgi": "", "api.v1.wsgi": ""}))
	for target, want := range map[string]string{
		"hello:app": "hello", "hello": "hello", "./hello.py": "hello", "hello.py:app": "hello", "site.wsgi": "site", "./site.wsgi": "site",
		"mysite.wsgi": "site", "mysite.wsgi:application": "site", "api.v1.wsgi": "api", `hello:make("x.y")`: "hello",
	} {
		if got := outputOf(Options{Settings: config.Settings{Target: target}}); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

func TestNothingButABundleIsReplaced(t *testing.T) {
	top := folder(t, map[string]string{"hello.py": "print()", "folder/x": "", "empty": ""})
	if err := os.Symlink("hello.py", filepath.Join(top, "link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"hello.py": "is there already", "link": "is there already", "folder": "is a folder", "none/site": "there is no folder " + filepath.Join(top, "none"),
		"hello.py/site": "cannot be written", "empty": "", "site": "",
	} {
		err := checkOutput(filepath.Join(top, name))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
