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

// inPlace writes a file as other editors do: the same one, emptied first.
func (d *developed) inPlace(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// aside writes a file as yet others do: the old one is kept under another name.
func (d *developed) aside(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.Rename(path, path+"~"); err != nil {
		t.Fatal(err)
	}
	d.inPlace(t, name, text)
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

// The name of a folder is bytes, which need not be UTF-8.
func TestAFolderWhoseNameIsNoText(t *testing.T) {
	for _, target := range []string{"site_code:application", "site_code.py", "./site_code.py:application", "site_code.wsgi"} {
		t.Run(strings.ReplaceAll(target, "/", "|"), func(t *testing.T) {
			d := &developed{dir: filepath.Join(t.TempDir(), "caf\xe9 (1)")}
			file := "site_code" + filepath.Ext(strings.TrimSuffix(target, ":application"))
			if file == "site_code" {
				file += ".py"
			}
			d.save(t, file, siteCode)
			d.save(t, "parts/words.py", "WORD = 'one'\n")
			d.Server = Start(t, Options{Target: target, Dir: d.dir, Args: []string{"--reload"}})
			d.answers(t, 200, "first one")
			d.save(t, "parts/words.py", "WORD = 'two'\n")
			d.answers(t, 200, "first two")
			d.save(t, file, "import parts.words\nraise ValueError(__file__)\n")
			d.answers(t, 500, "ValueError")
			d.save(t, file, strings.Replace(siteCode, "first", "second", 1))
			d.answers(t, 200, "second two")
		})
	}
}

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

func TestEveryWayToSaveAFileIsNoticed(t *testing.T) {
	d := develop(t, map[string]string{"site_code.py": siteCode, "parts/words.py": "WORD = 'one'\n"})
	d.answers(t, 200, "first one")
	for i, save := range []func(t *testing.T, name, text string){d.save, d.inPlace, d.aside, d.inPlace, d.save} {
		word := "word " + itoa(i)
		save(t, "parts/words.py", "WORD = '"+word+"'\n")
		d.answers(t, 200, "first "+word)
	}
}

func TestNewFilesBelowAPatternAreNoticed(t *testing.T) {
	code := strings.Replace(siteCode, "from parts.words import WORD", `import glob

WORD = " ".join(open(name).read() for name in sorted(glob.glob("conf/**/*.txt", recursive=True)))`, 1)
	d := develop(t, map[string]string{"site_code.py": code, "conf/1.txt": "one"}, "--reload-extra-file", "conf/**/*.txt")
	d.answers(t, 200, "first one")
	d.save(t, "conf/2.txt", "two")
	d.answers(t, 200, "first one two")
	d.save(t, "conf/more/and/3.txt", "three") // in folders that are new, too
	d.answers(t, 200, "first one two three")
	if err := os.Remove(filepath.Join(d.dir, "conf/1.txt")); err != nil {
		t.Fatal(err)
	}
	d.answers(t, 200, "first two three")
}

// The package is in a folder that nobody had a reason to watch before.
func TestPackageThatIsImportedInARequestIsWatched(t *testing.T) {
	t.Parallel() // it mostly waits
	d := develop(t, map[string]string{
		"site_code.py": `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/late":
        from late.parts.words import WORD
        return [WORD.encode()]
    return [b"first"]
`,
		"late/__init__.py": "", "late/parts/__init__.py": "", "late/parts/words.py": "WORD = 'one'\n",
	})
	d.answers(t, 200, "first")
	client := d.Client(t)
	client.Get("/late").Want(t, 200, "one")
	d.save(t, "late/parts/words.py", "WORD = 'two'\n") // before gowsgi can have heard of it
	Eventually(t, "it is loaded anew", func() bool { return client.Get("/late").Body == "two" })
	d.save(t, "late/parts/words.py", "WORD =\n")
	Eventually(t, "it is loaded anew, and broken", func() bool { return client.Get("/late").Status == 500 })
	d.save(t, "late/parts/words.py", "WORD = 'three'\n")
	Eventually(t, "it is mended", func() bool { return client.Get("/late").Body == "three" })
}

func TestFilesThatNobodyLoadedAreNoReason(t *testing.T) {
	d := develop(t, map[string]string{
		"site_code.py": siteCode, "parts/words.py": "WORD = 'one'\n",
		"other.py": "OTHER = 1\n", "parts/other.py": "OTHER = 1\n", "others/other.py": "OTHER = 1\n", "parts/page.html": "page",
	}, "--reload-extra-file", "conf/*.txt")
	d.answers(t, 200, "first one")
	d.save(t, "parts/words.py", "WORD = 'two'\n")
	d.answers(t, 200, "first two") // so the folders are watched
	before := len(d.Log())

	for _, name := range []string{"other.py", "parts/other.py", "others/other.py", "parts/page.html"} {
		d.save(t, name, "OTHER = 2\n")
		d.inPlace(t, name, "OTHER = 3\n")
	}
	for _, name := range []string{
		"notes.txt", ".site_code.py.swp", ".#site_code.py", "parts/words.py~", "parts/4913", "others/new.py",
		"conf/word.yaml", "conf/more/word.txt", "__pycache__/site_code.cpython-3.pyc", "parts/__pycache__/new.py",
	} {
		d.save(t, name, "new")
	}
	if err := os.Chmod(filepath.Join(d.dir, "site_code.py"), 0o600); err != nil {
		t.Fatal(err)
	}

	// All of that has been told when this is, in one burst or in another.
	d.save(t, "parts/words.py", "WORD = 'three'\n")
	d.answers(t, 200, "first three")
	log := d.Log()[before:]
	if reason := "event=reload.code file=" + filepath.Join(d.dir, "parts/words.py"); strings.Count(log, "event=reload.code") != 1 || !strings.Contains(log, reason) {
		t.Errorf("the code was loaded anew for another reason: %s", log)
	}
}

// As in the middle of a checkout. The folder may be a package, or just a folder.
func TestModuleThatIsGoneIsWaitedFor(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"package":           {"parts/__init__.py": ""},
		"namespace package": {},
	} {
		t.Run(name, func(t *testing.T) {
			files["site_code.py"], files["parts/words.py"] = siteCode, "WORD = 'one'\n"
			d := develop(t, files)
			d.answers(t, 200, "first one")
			d.save(t, "parts/words.py", "WORD = 'two'\n")
			d.answers(t, 200, "first two") // so the folder is watched
			if err := os.Remove(filepath.Join(d.dir, "parts/words.py")); err != nil {
				t.Fatal(err)
			}
			d.answers(t, 500, "No module named")
			d.save(t, "parts/words.py", "WORD = 'three'\n")
			d.answers(t, 200, "first three")
		})
	}
}
