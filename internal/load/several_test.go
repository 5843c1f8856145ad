package load_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/load"
)

// loadAll loads targets in a folder and returns what they answer, or why they are
// refused.
func loadAll(t *testing.T, folder string, targets ...load.Target) string {
	t.Helper()
	return strings.TrimSpace(python(t, folder, `
import sys
sys.path.insert(0, "")
try:
    applications = `+load.Function+`(`+strconv.Quote(load.Join(targets))+`)
    print(*[application(None, None) for application in applications])
except Refused as refused:
    print(refused)
print("setdefault" in vars(os.environ), os.environ.get("DJANGO_SETTINGS_MODULE"))
`))
}

func TestSeveralTargets(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"plain.py":    "made = []\ndef make(x=1):\n    made.append(x)\n    n = len(made)\n    return lambda environ, start_response: n\napplication = make()\n",
		"one.py":      "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'one.settings')\napplication = lambda environ, start_response: 'one'\n",
		"also.py":     "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'one.settings')\napplication = lambda environ, start_response: 'also'\n",
		"two.py":      "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'two.settings')\napplication = lambda environ, start_response: 'two'\n",
		"insists.py":  "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'three.settings'\napplication = lambda environ, start_response: 'three'\n",
		"confused.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'two.settings')\nraise LookupError('no such table')\n",
		"broken.py":   "1 / 0\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	target := func(mount, spec string) load.Target { return load.Target{Mount: mount, Spec: spec} }
	refusal := func(other, asked, first, known string) string {
		return other + " is a Django project with the settings " + asked + ", and " + first + " is one with " + known + ": an interpreter has room for one " +
			"Django project, so serve the other with a gowsgi of its own"
	}
	for _, c := range []struct {
		name    string
		targets []load.Target
		want    string
	}{
		{"one", []load.Target{target("", "plain")}, "1\nFalse None"},
		{"each is loaded once", []load.Target{target("", "plain"), target("/a", "plain:make(2)"), target("/b", "plain:make(2)"), target("/c", "plain"), target("/d", "plain:make(3)")}, "1 2 2 1 3\nFalse None"},
		{"one that raises", []load.Target{target("", "plain"), target("/b", "broken")}, "mount /b: importing broken raised ZeroDivisionError: division by zero\nFalse None"},
		{"the main one raises", []load.Target{target("", "broken"), target("/b", "plain")}, "importing broken raised ZeroDivisionError: division by zero\nFalse None"},
		{"one project twice", []load.Target{target("", "one"), target("/b", "also")}, "one also\nFalse one.settings"},
		{"two projects", []load.Target{target("", "one"), target("/b", "two")}, "mount /b: " + refusal("two", "two.settings", "one", "one.settings") + "\nFalse one.settings"},
		{"two, one of which insists", []load.Target{target("", "one"), target("/b", "insists")}, "mount /b: " + refusal("insists", "three.settings", "one", "one.settings") + "\nFalse three.settings"},
		{"what the wrong settings lead to is not what is said", []load.Target{target("", "one"), target("/b", "confused")}, "mount /b: " + refusal("confused", "two.settings", "one", "one.settings") + "\nFalse one.settings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := loadAll(t, folder, c.targets...); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
