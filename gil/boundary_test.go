package gil_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// C calls C and Go calls Go (doc.go, "Two halves"): what no file outside of a
// package's folder may have in it.
func TestNobodyReachesPastTheBoundary(t *testing.T) {
	rules := []struct {
		folder, file string // that has the package; files that the rule is for
		forbidden    *regexp.Regexp
	}{
		{"gil", "*.[ch]", regexp.MustCompile(`gil/queue\.h`)},
		{"gil", "*.go", regexp.MustCompile(`gil/queue\.h|C\.(gowsgi_pool_|gowsgi_task|gowsgi_job)\w*|C\.GOWSGI_(OUTPUT|INPUT|IDLE|QUEUED|RUNNING|DONE|OK|BUSY|CLOSED|ANSWERED|LATE|GONE)\b`)},
		{"internal/crash", "*.go", regexp.MustCompile(`C\.gowsgi_(crash|dump)_\w*`)},
	}
	read := 0
	for _, top := range []string{"cmd", "embed", "gil", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			for _, rule := range rules {
				inside, _ := filepath.Match(filepath.Join("..", rule.folder, "*"), path)
				if wanted, _ := filepath.Match(rule.file, entry.Name()); !wanted || inside {
					continue
				}
				source, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				read++
				if found := rule.forbidden.Find(source); found != nil {
					t.Errorf("%s reaches into %s: %s", path, rule.folder, found)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read == 0 {
		t.Error("no source was read")
	}
}
