package load_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/load"
)

// python runs text behind the source, in a folder, and returns what it prints.
func python(t *testing.T, folder, text string) string {
	t.Helper()
	program := os.Getenv("GOWSGI_TEST_PYTHON")
	if program == "" {
		program = "python3"
	}
	cmd := exec.Command(program, "-I", "-c", load.Source()+text)
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	cmd.Env = append(os.Environ(), "PWD="+folder)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func write(t *testing.T, folder, name string) {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTargetsAreTakenApart(t *testing.T) {
	folder := t.TempDir()
	for _, file := range []string{"site.wsgi", "site (1).wsgi", "a:b(c).wsgi", "in (x)/a:b/site.wsgi"} {
		write(t, folder, file)
	}
	// Whether it is a file, what it is called, the attribute, the arguments.
	targets := map[string][]any{
		"module":                           {false, "module", "", ""},
		"package.module:name.inner":        {false, "package.module", "name.inner", ""},
		"site.wsgi":                        {true, "site.wsgi", "", ""},
		"other.wsgi":                       {false, "other.wsgi", "", ""},
		"site (1).wsgi":                    {true, "site (1).wsgi", "", ""},
		"site (1).wsgi:name":               {true, "site (1).wsgi", "name", ""},
		"site (1).wsgi:make(1)":            {true, "site (1).wsgi", "make", "(1)"},
		"a:b(c).wsgi":                      {true, "a:b(c).wsgi", "", ""},
		"./in (x)/a:b/site.wsgi:make('(')": {true, "./in (x)/a:b/site.wsgi", "make", "('(')"},
		"/no (y)/a:b/site.wsgi":            {true, "/no (y)/a:b/site.wsgi", "", ""},
		"m:make('/a:b(c)', x='/:y(z)')":    {false, "m", "make", "('/a:b(c)', x='/:y(z)')"},
		"m:make(1).other":                  {false, "m", "make", "(1).other"},
		"m:":                               nil,
		":name":                            nil,
		":make()":                          nil,
		"m:()":                             nil,
		"m(1)":                             nil,
	}
	specs, _ := json.Marshal(targets)
	out := python(t, folder, `
import json
def taken(spec):
    try:
        target = Target(spec)
    except Refused:
        return None
    return [target.is_file, target.where, target.attribute, target.arguments]
print(json.dumps({spec: taken(spec) for spec in json.loads(r"""`+string(specs)+`""")}))
`)
	var got map[string][]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	for spec, want := range targets {
		if !slices.Equal(got[spec], want) {
			t.Errorf("%s: %v, want %v", spec, got[spec], want)
		}
	}
}

func TestFilesBecomeModules(t *testing.T) {
	out := python(t, t.TempDir(), `
sys.modules["site"] = sys
for path in "/srv/shop.py", "/srv/site.py", "/srv/shop.wsgi", "/srv/caf\udce9 (1).wsgi", "/srv/a/shop.wsgi":
    print(module_name(path))
`)
	names := strings.Fields(out)
	if len(names) != 5 || names[0] != "shop" || names[2] == names[4] {
		t.Fatalf("%q", names)
	}
	for i, want := range map[int]string{1: "_site_py_", 2: "_shop_wsgi_", 3: "_caf___1__wsgi_", 4: "_shop_wsgi_"} {
		if !strings.HasPrefix(names[i], want) || len(names[i]) != len(want)+8 {
			t.Errorf("%s, want %s and eight digits", names[i], want)
		}
	}
}

// A deployment whose working directory is a link to the present release keeps the
// link's name: so do the names of modules.
func TestTheWorkingDirectoryIsWhatItIsCalled(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "release"), 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "current")
	if err := os.Symlink("release", link); err != nil {
		t.Fatal(err)
	}
	if out := python(t, link, "print(here())"); out != link+"\n" {
		t.Errorf("%q", out)
	}
}
