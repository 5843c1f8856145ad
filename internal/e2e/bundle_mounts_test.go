package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A bundle has all applications in it, also those that were named by their whole path,
// and finds them wherever it runs.
func TestABundleHasAllApplications(t *testing.T) {
	const app = "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [('%s ' + environ['SCRIPT_NAME']).encode()]\n"
	fill := func(folder string) {
		if err := os.MkdirAll(filepath.Join(folder, "parts"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"home.py", "parts/one.wsgi", "parts/two.wsgi", "three.py"} {
			write(t, filepath.Join(folder, name), strings.ReplaceAll(app, "%s", name))
		}
	}
	source := t.TempDir()
	fill(source)
	path := filepath.Join(t.TempDir(), "site")
	result := build(t, source, path, PlainVenv(t), "--mount", "/1=parts/one.wsgi", "--mount", "/2="+filepath.Join(source, "parts", "two.wsgi"), "--mount", "/3=three", filepath.Join(source, "home.py"))
	if result.Status != 0 {
		t.Fatalf("status %d: %s", result.Status, result.Errors)
	}
	if err := os.RemoveAll(source); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"where it lies": nil, "in another folder": {"--chdir", t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			s := Start(t, Options{Program: path, Args: args})
			c := s.Client(t)
			c.Get("/").Want(t, 200, "home.py ")
			c.Get("/1").Want(t, 200, "parts/one.wsgi /1")
			c.Get("/2").Want(t, 200, "parts/two.wsgi /2")
			c.Get("/3").Want(t, 200, "three.py /3")
		})
	}
	fill(source)
	outside := filepath.Join(t.TempDir(), "x.py")
	write(t, outside, "")
	result = build(t, source, path, PlainVenv(t), "--mount", "/1="+outside, "home")
	if result.Status == 0 || !strings.Contains(result.Errors, "and would be missing in the bundle") {
		t.Errorf("status %d: %s", result.Status, result.Errors)
	}
}
