package e2e

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sources are the files below a folder of the checkout whose names end so, by their
// paths.
func sources(t *testing.T, ends ...string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, top := range []string{"cmd", "embed", "environ", "gil", "internal", "bench", "testapps"} {
		err := fs.WalkDir(os.DirFS(checkout()), top, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			for _, end := range ends {
				if path.Ext(name) == end {
					text, err := os.ReadFile(filepath.Join(checkout(), name))
					texts[name] = string(text)
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

// The files that the design names are there, and it names every package.
func TestTheDesignTellsOfThisTree(t *testing.T) {
	text := documented(t, "design.md")
	files := sources(t, ".go", ".c", ".h", ".py")
	isThere := func(named string) bool {
		for file := range files {
			if file == named || strings.HasSuffix(file, "/"+named) {
				return true
			}
		}
		return false
	}
	named := regexp.MustCompile("`([\\w./-]+\\.(?:go|c|h|py))`").FindAllStringSubmatch(text, -1)
	for _, name := range named {
		if !isThere(name[1]) {
			t.Errorf("there is no %s", name[1])
		}
	}
	folders := 0
	for _, name := range regexp.MustCompile("`((?:cmd|embed|environ|gil|internal)/[\\w/-]*)`").FindAllStringSubmatch(text, -1) {
		folders++
		if info, err := os.Stat(filepath.Join(checkout(), name[1])); err != nil || !info.IsDir() {
			t.Errorf("there is no folder %s", name[1])
		}
	}
	if len(named) < 50 || folders < 10 {
		t.Errorf("it names %d files and %d folders only", len(named), folders)
	}
	_, tree, _ := strings.Cut(text, "\n## 9. ")
	tree, _, _ = strings.Cut(tree, "\n## ")
	for _, above := range []string{"cmd", "internal"} {
		entries, err := os.ReadDir(filepath.Join(checkout(), above))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if entry.IsDir() && !strings.Contains(tree, "\n"+above+"/"+entry.Name()+"/ ") {
				t.Errorf("the tree has no %s/%s", above, entry.Name())
			}
		}
	}
}

// docs/events.md has every event that Go's half logs by its name, and no other.
func TestTheDocumentationNamesAllEvents(t *testing.T) {
	text := documented(t, "events.md")
	all := strings.Builder{}
	events := map[string]bool{}
	for file, source := range sources(t, ".go", ".c") {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "internal/e2e/") {
			continue
		}
		all.WriteString(source)
		for _, found := range regexp.MustCompile(`"event", "(\w+\.\w+)"`).FindAllStringSubmatch(source, -1) {
			events[found[1]] = true
		}
	}
	if len(events) < 50 {
		t.Errorf("the source has %d events only", len(events))
	}
	for event := range events {
		if !strings.Contains(text, "`"+event+"`") {
			t.Errorf("nothing is said of %s", event)
		}
	}
	table, _, _ := strings.Cut(text, "\n## ")
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]*) \|`).FindAllStringSubmatch(table, -1) {
		for _, event := range regexp.MustCompile("`(\\w+\\.\\w+)`").FindAllStringSubmatch(row[1], -1) {
			if !strings.Contains(all.String(), `"`+event[1]+`"`) {
				t.Errorf("nobody logs %s", event[1])
			}
		}
	}
}
