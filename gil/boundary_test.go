package gil_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// The tables of docs/design.md, 4, have every function of C that Go calls, and no other;
// and its text has those of Go that C calls.
func TestTheDesignHasAllCrossings(t *testing.T) {
	calls, exports := crossings(t)
	text, err := os.ReadFile("../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n## 4. ")
	section, _, _ := strings.Cut(rest, "\n## ")
	told := crossingsTold(section)
	for _, name := range calls {
		if !slices.Contains(told, name) {
			t.Errorf("Go calls %s, which the table has not", name)
		}
	}
	for _, name := range told {
		if !slices.Contains(calls, name) {
			t.Errorf("the table has %s, which Go does not call", name)
		}
	}
	for _, name := range exports {
		if !strings.Contains(section, "`"+name+"`") {
			t.Errorf("C calls %s, of which nothing is said", name)
		}
	}
}

// crossings are the functions that the program's source calls, and exports.
func crossings(t *testing.T) (calls, exports []string) {
	t.Helper()
	call, export := regexp.MustCompile(`\bC\.(gowsgi_\w+)\(`), regexp.MustCompile(`(?m)^//export (\w+)`)
	for _, top := range []string{"cmd", "embed", "gil", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, found := range call.FindAllSubmatch(source, -1) {
				calls = append(calls, string(found[1]))
			}
			for _, found := range export.FindAllSubmatch(source, -1) {
				exports = append(exports, string(found[1]))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(calls) == 0 || len(exports) == 0 {
		t.Fatalf("%d functions of C, %d of Go", len(calls), len(exports))
	}
	slices.Sort(calls)
	return slices.Compact(calls), exports
}

// crossingsTold are the functions in the tables of a text. A name that begins with _ has
// the first two words of the whole one before it.
func crossingsTold(text string) (names []string) {
	row, name := regexp.MustCompile(`(?m)^\| (`+"`"+`[^|]*) \|`), regexp.MustCompile("`(\\w+)`")
	for _, cell := range row.FindAllStringSubmatch(text, -1) {
		family := ""
		for _, found := range name.FindAllStringSubmatch(cell[1], -1) {
			if short, isShort := strings.CutPrefix(found[1], "_"); isShort {
				names = append(names, family+"_"+short)
				continue
			}
			names = append(names, found[1])
			if words := strings.SplitN(found[1], "_", 3); len(words) > 1 {
				family = words[0] + "_" + words[1]
			}
		}
	}
	return names
}
