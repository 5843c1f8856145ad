package embed

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTargetsAreTakenApart(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, file := range []string{"site.wsgi", "site (1).wsgi", "a:b(c).wsgi", "in (x)/a:b/site.wsgi"} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for s, want := range map[string]target{
		"module":                           {module: "module"},
		"package.module:name.inner":        {module: "package.module", attr: "name.inner"},
		"site.wsgi":                        {file: "site.wsgi"},
		"other.wsgi":                       {module: "other.wsgi"},
		"site (1).wsgi":                    {file: "site (1).wsgi"},
		"site (1).wsgi:name":               {file: "site (1).wsgi", attr: "name"},
		"site (1).wsgi:make(1)":            {file: "site (1).wsgi", attr: "make", call: "make(1)"},
		"a:b(c).wsgi":                      {file: "a:b(c).wsgi"},
		"./in (x)/a:b/site.wsgi:make('(')": {file: "./in (x)/a:b/site.wsgi", attr: "make", call: "make('(')"},
		"/no (y)/a:b/site.wsgi":            {file: "/no (y)/a:b/site.wsgi"},
		"m:make('/a:b(c)', x='/:y(z)')":    {module: "m", attr: "make", call: "make('/a:b(c)', x='/:y(z)')"},
		"m:make(1).other":                  {module: "m", attr: "make", call: "make(1).other"},
	} {
		if got, err := parseTarget(s); err != nil || got != want {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"m:", ":name", ":make()", "m:()", "m(1)"} {
		if got, err := parseTarget(s); err == nil {
			t.Errorf("%s: %+v", s, got)
		}
	}
}

func TestFilesBecomeModules(t *testing.T) {
	loaded := func(name string) bool { return name == "site" }
	for path, want := range map[string]string{
		"/srv/shop.py": "shop", "/srv/site.py": "_site_py_9f5f7e5a", "/srv/shop.wsgi": "_shop_wsgi_", "/srv/caf\xe9 (1).wsgi": "_caf___1__wsgi_",
	} {
		if got := moduleName(path, loaded); got != want && got[:len(got)-8] != want[:len(got)-8] {
			t.Errorf("%s: %s", path, got)
		}
	}
	if moduleName("/srv/a/x.wsgi", loaded) == moduleName("/srv/b/x.wsgi", loaded) {
		t.Error("two files have one name")
	}
}
