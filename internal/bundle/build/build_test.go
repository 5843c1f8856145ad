package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyAFileIsReplacedByABundle(t *testing.T) {
	folder := t.TempDir()
	file, pipe, link := filepath.Join(folder, "file"), filepath.Join(folder, "pipe"), filepath.Join(folder, "link")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for path, refusal := range map[string]string{
		file: "", filepath.Join(folder, "new"): "", folder: "is a folder", pipe: "is left as it is", link: "is left as it is",
		"/dev/null": "is left as it is", // it is only looked at here
	} {
		err := checkOutput(path)
		if refusal == "" && err != nil || refusal != "" && (err == nil || !strings.Contains(err.Error(), refusal)) {
			t.Errorf("%s: %v", path, err)
		}
	}
	// From the front, in a folder of its own.
	app := filepath.Join(folder, "app")
	if err := os.Mkdir(app, 0o700); err != nil {
		t.Fatal(err)
	}
	o := Options{Output: pipe}
	o.Settings.Chdir = app
	if _, err := Build(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is left as it is") {
		t.Errorf("%v", err)
	}
}
