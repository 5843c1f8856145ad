package bundle

import "testing"

func TestModulesThatCanBeAnApplication(t *testing.T) {
	m := Manifest{Path: []string{"app/src"}}
	for _, path := range []string{
		"app/shop/__init__.py", "app/hello.py", "app/src/api/wsgi.py", "venv/lib/python3.11/site-packages/wagtail/core/shell.py",
		"venv/lib/python3.11/site-packages/fast.cpython-311.so", "python/lib/python3.11/code.py", "app/hello_again/x/hello.py", "app/shell",
		"venv/lib/python3.11/site-packages/lib/x.py",
	} {
		m.Files = append(m.Files, File{Path: path})
	}
	for name, want := range map[string]bool{
		"shop": true, "hello": true, "api": true, "wagtail": true, "fast": true, "src": true, "lib": true,
		"shell": false, "code": false, "wsgi": false, "hell": false, "x": false, "core": false,
	} {
		if got := m.HasModule(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
