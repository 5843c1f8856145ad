package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// developed is a folder with an application for --reload.
type developed struct {
	*Server
	dir string
}

func develop(t *testing.T, files map[string]string, args ...string) *developed {
	t.Helper()
	d := &developed{dir: t.TempDir()}
	for name, text := range files {
		d.save(t, name, text)
	}
	d.Server = Start(t, Options{Target: "site_code:application", Dir: d.dir, Args: append([]string{"--reload"}, args...)})
	return d
}

// save writes a file as editors do: another one, renamed.
func (d *developed) save(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"~", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
}

// answers waits for an answer that contains text. Until then there are answers
// of what was before, and no others: each request gets one.
func (d *developed) answers(t *testing.T, status int, text string) {
	t.Helper()
	client := d.Client(t)
	Eventually(t, "the answer contains "+text, func() bool {
		got := client.Get("/")
		return got.Status == status && strings.Contains(got.Body, text)
	})
}

const siteCode = `
from parts.words import WORD

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("first " + WORD).encode()]
`

func TestChangedCodeIsLoadedAndABrokenOneIsShown(t *testing.T) {
	d := develop(t, map[string]string{"site_code.py": siteCode, "parts/words.py": "WORD = 'one'\n"})
	d.answers(t, 200, "first one")
	d.save(t, "parts/words.py", "WORD = 'two'\n")
	d.answers(t, 200, "first two")
	d.save(t, "site_code.py", strings.Replace(siteCode, "first", "second", 1))
	d.answers(t, 200, "second two")

	d.save(t, "site_code.py", "def application(environ, start_response:\n")
	d.answers(t, 500, "SyntaxError")
	d.WaitLog(t, "event=application.broken")
	if !strings.Contains(d.Log(), "SyntaxError") {
		t.Error("the log has no traceback")
	}
	d.save(t, "site_code.py", siteCode)
	d.answers(t, 200, "first two")

	d.save(t, "parts/words.py", "WORD = unknown\n")
	d.answers(t, 500, "NameError")
	d.save(t, "parts/words.py", "WORD = 'three'\n")
	d.answers(t, 200, "first three")
}

func TestBrokenCodeAtTheStartIsShownUntilItIsMended(t *testing.T) {
	d := develop(t, map[string]string{"site_code.py": siteCode, "parts/words.py": "WORD = \n"})
	d.answers(t, 500, "SyntaxError")
	d.save(t, "parts/words.py", "WORD = 'one'\n")
	d.answers(t, 200, "first one")
}

func TestOtherFilesAreWatchedToo(t *testing.T) {
	code := strings.Replace(siteCode, "from parts.words import WORD", "WORD = open('conf/word.txt').read()", 1)
	d := develop(t, map[string]string{"site_code.py": code, "conf/word.txt": "one"}, "--reload-extra-file", "conf/*.txt")
	d.answers(t, 200, "first one")
	d.save(t, "conf/word.txt", "two")
	d.answers(t, 200, "first two")
}
