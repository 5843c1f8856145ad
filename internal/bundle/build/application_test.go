package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/bundle"
)

// folder makes a folder with files: path and content.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	top := t.TempDir()
	for path, content := range files {
		at := filepath.Join(top, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return top
}

// inside are the paths of the application's files in the bundle.
func inside(t *testing.T, top string, include, exclude []string) (paths, notes []string) {
	t.Helper()
	c := newCollection()
	if err := c.addApplication(top, filepath.Join(top, "site"), include, exclude); err != nil {
		t.Fatal(err)
	}
	for path := range c.sources {
		paths = append(paths, strings.TrimPrefix(path, bundle.AppPath+"/"))
	}
	slices.Sort(paths)
	return paths, c.notes
}

// The oracle is git itself.
func TestGitignoreIsReadAsGitReadsIt(t *testing.T) {
	files := map[string]string{
		".gitignore": `# comment
*.pyc
/dist
!keep.log
*.log
foo/*.txt
doc/**/x.txt
**/cache/
a/**/b
\#hash
\!bang
trail\ 
sp*ce   
[abc].dat
[!abc].da2
!important.log
/media/*
!/media/keep
*.[oa]
te?t
deep/
!deep/in.txt
x/y/
/top/*/mid
`,
		"sub2/.gitignore": "*.py\n!ok.py\n/only\n", "sub/.gitignore": "*\n!*.keep\n", ".git/info/exclude": "excluded\n",
	}
	for _, path := range strings.Split("m.pyc sub/m.pyc dist/q sub/dist/q keep.log w.log important.log foo/a.txt foo/bar/a.txt "+
		"doc/x.txt doc/a/x.txt doc/a/b/x.txt sub/cache/f a/b/f a/x/y/b/f #hash !bang spXce a.dat d.dat a.da2 d.da2 media/f media/keep/f "+
		"l.o l.a l.c test teest deep/in.txt x/y/f z/x/y/f top/q/mid/f sub2/a.py sub2/ok.py sub2/only/f sub2/s/only/f sub2/s/a.py "+
		"sub/a.keep README excluded sub2/excluded", " ") {
		files[path] = "content\n"
	}
	files["trail "] = "content\n"
	top := folder(t, files)
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", top, "-c", "core.excludesFile=/dev/null"}, args...)...)
		out, err := cmd.Output()
		if err != nil {
			t.Skip("git: ", err)
		}
		return string(out)
	}
	git("init", "-q")
	if err := os.WriteFile(filepath.Join(top, ".git/info/exclude"), []byte("excluded\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.Trim(git("ls-files", "-coz", "--exclude-standard"), "\x00"), "\x00")
	slices.Sort(want)
	got, notes := inside(t, top, nil, nil)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], ".gitignore") {
		t.Errorf("%q", notes)
	}
}

func TestIncludeAndExcludeAreStronger(t *testing.T) {
	top := folder(t, map[string]string{
		".gitignore": "*.mo\n/static_root/\n/media\n", "app.py": "", "locale/de/x.mo": "", "static_root/css/a.css": "", "static_root/b.js": "",
		"media/x.png": "", "tests/test_a.py": "", "sub/tests/b.py": "", "docs/x.md": "",
	})
	got, _ := inside(t, top, []string{"**/*.mo", "static_root/**"}, []string{"tests", "*.md"})
	want := []string{".gitignore", "app.py", "locale/de/x.mo", "static_root/b.js", "static_root/css/a.css"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, _ := inside(t, top, []string{"media/x.png"}, []string{"/nothing", "docs/"}); !slices.Contains(got, "media/x.png") || slices.Contains(got, "docs/x.md") {
		t.Errorf("%q", got)
	}
}

const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"

func TestSecretsAreLeftOutAndNamed(t *testing.T) {
	top := folder(t, map[string]string{
		"app.py": "x = '-----BEGIN PRIVATE KEY-----'\n", ".env": "KEY=1\n", ".env.production": "", ".env.example": "KEY=\n", "conf/prod.env": "",
		"keys/server.txt": "text before\n" + key, "id_ed25519": "", "cert.pem": "-----BEGIN CERTIFICATE-----\n", "a.p12": "",
		"settings.py": "KEY = '''\n" + key + "'''\n", "public.pem": "-----BEGIN PUBLIC KEY-----\n", "wanted/.env": "A=1\n",
		"google.json":      `{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"}`,
		"values.yaml":      "key: |\n  -----BEGIN RSA PRIVATE KEY-----\n  MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/\n",
		"about.md":         "It begins with `-----BEGIN PRIVATE KEY-----`, and then there is base64.\n",
		".aws/credentials": "x", "my own.env": "", "putty.ppk": "",
	})
	if err := os.Symlink(filepath.Join(folder(t, map[string]string{".env": "A=1"}), ".env"), filepath.Join(top, "settings.txt")); err != nil {
		t.Fatal(err)
	}
	got, notes := inside(t, top, []string{"wanted/.env"}, nil)
	want := []string{".env.example", "about.md", "app.py", "cert.pem", "public.pem", "settings.py", "wanted/.env"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	all := strings.Join(notes, "\n")
	for _, name := range []string{".env (", ".env.production", "conf/prod.env", "keys/server.txt", "id_ed25519", "a.p12", "google.json", "values.yaml", ".aws/credentials", "settings.txt (it leads to", "--include 'my own.env' takes it in"} {
		if !strings.Contains(all, name) {
			t.Errorf("%s is not named: %s", name, all)
		}
	}
	for _, name := range []string{"settings.py goes in", "wanted/.env goes in"} {
		if !strings.Contains(all, name) {
			t.Errorf("%q is not said: %s", name, all)
		}
	}
}

func TestVirtualenvsLinksAndDatabases(t *testing.T) {
	top := folder(t, map[string]string{
		"app.py": "", "env/pyvenv.cfg": "", "env/lib/x.py": "", "__pycache__/app.cpython-311.pyc": "", ".git/config": "",
		"data.sqlite3": "SQLite format 3\x00...", "real/file": "x",
	})
	outside := folder(t, map[string]string{"shared.py": "shared", "folder/x": ""})
	if err := unix.Mkfifo(filepath.Join(outside, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"inner": "real/file", "gone": "nowhere", "shared.py": filepath.Join(outside, "shared.py"), "folder": filepath.Join(outside, "folder"), "loop": ".",
		"self": "self", "through a file": "app.py/x", "of a long name": strings.Repeat("x", 300), "pipe": filepath.Join(outside, "pipe"), "zeros": "/dev/zero",
	} {
		if err := os.Symlink(target, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	got, notes := inside(t, top, nil, nil)
	want := []string{"app.py", "data.sqlite3", "inner", "loop", "real/file", "shared.py"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	all := strings.Join(notes, "\n")
	for _, part := range []string{"shared.py goes in as the file that it leads to, " + outside, "data.sqlite3 goes in, and cannot be written to", "folder is left out: it leads out", "pipe is left out: it leads to", "zeros is left out: it leads to /dev/zero, which is no file"} {
		if !strings.Contains(all, part) {
			t.Errorf("%q is not said: %s", part, all)
		}
	}
}

// In a worktree and in a submodule of git's, .git is a file.
func TestFileInPlaceOfGitsFolderIsPassedOver(t *testing.T) {
	top := folder(t, map[string]string{".git": "gitdir: /elsewhere\n", ".gitignore": "*.log\n", "app.py": "", "a.log": ""})
	if got, _ := inside(t, top, nil, nil); !slices.Equal(got, []string{".gitignore", "app.py"}) {
		t.Errorf("%q", got)
	}
}

func TestOptionsOfBuildAreTakenFromThoseOfTheSite(t *testing.T) {
	o, rest, err := parse([]string{"-o", "out", "--threads", "4", "--include=a/*", "--exclude", "b", "--with-libc", "-b", ":80", "x:app"})
	if err != nil || o.Output != "out" || !o.WithLibc || o.Full || !slices.Equal(o.Include, []string{"a/*"}) || !slices.Equal(o.Exclude, []string{"b"}) ||
		!slices.Equal(rest, []string{"--threads", "4", "-b", ":80", "x:app"}) {
		t.Errorf("%+v, %q, %v", o, rest, err)
	}
	if o, _, err := parse([]string{"-osite", "x"}); err != nil || o.Output != "site" {
		t.Errorf("%+v, %v", o, err)
	}
	if _, _, err := parse([]string{"--add-data=a:b", "x"}); err == nil || !strings.Contains(err.Error(), "--add-data: there is no such option: all that git would keep") {
		t.Error(err)
	}
	for _, args := range [][]string{{"-o"}, {"--include"}, {"--include", "[a"}, {"--full=1"}} {
		if _, _, err := parse(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

func TestWhatIsLargeIsNamed(t *testing.T) {
	top := folder(t, map[string]string{"app.py": "", "a model.bin": "", "node_modules/a/1.js": "", "node_modules/b/2.js": "", "media/x": ""})
	for name, size := range map[string]int64{"a model.bin": 200 << 20, "node_modules/a/1.js": 20 << 20, "node_modules/b/2.js": 20 << 20, "media/x": 20 << 20} {
		if err := os.Truncate(filepath.Join(top, name), size); err != nil {
			t.Fatal(err)
		}
	}
	_, notes := inside(t, top, nil, nil)
	want := []string{
		"a model.bin goes in with 210 MB: --exclude 'a model.bin' leaves it out",
		"node_modules goes in with 42 MB: --exclude node_modules leaves it out",
	}
	if !slices.Equal(notes, want) {
		t.Errorf("%q", notes)
	}
}
