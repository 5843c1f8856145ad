package watch

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline is for what should happen soon.
const deadline = 20 * time.Second

// site is a folder of files, and a watcher.
type site struct {
	*testing.T
	folder  string
	watcher *Watcher
}

// newSite makes these files and watches those that do not start with "un".
func newSite(t *testing.T, quiet time.Duration, names ...string) *site {
	t.Helper()
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWatcher(slog.New(slog.DiscardHandler), quiet, deadline)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	s := &site{t, folder, w}
	var files []string
	for _, name := range names {
		s.write(name)
		if !strings.HasPrefix(filepath.Base(name), "un") {
			files = append(files, s.path(name))
		}
	}
	s.watch(files)
	return s
}

func (s *site) watch(files []string, patterns ...string) {
	s.Helper()
	if _, err := s.watcher.Watch(files, patterns, time.Now()); err != nil {
		s.Fatal(err)
	}
}

func (s *site) path(name string) string { return filepath.Join(s.folder, name) }

func (s *site) write(name string) {
	s.Helper()
	s.must(os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	s.must(os.WriteFile(s.path(name), []byte("x = 1\n"), 0o644))
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// changes waits for the next burst, which must start with this file.
func (s *site) changes(name string) {
	s.Helper()
	select {
	case got := <-s.watcher.Changes():
		if got != s.path(name) {
			s.Errorf("%s has changed, want %s", got, name)
		}
	case <-time.After(deadline):
		s.Fatalf("no change of %s", name)
	}
}

const short = 50 * time.Millisecond

func TestEverySortOfSaveIsAChange(t *testing.T) {
	for name, save := range map[string]func(s *site){
		"write": func(s *site) { s.write("app.py") },
		"rename": func(s *site) {
			s.write("app.py.tmp")
			s.must(os.Rename(s.path("app.py.tmp"), s.path("app.py")))
		},
		"as vim does": func(s *site) {
			s.write("4913")
			s.must(os.Remove(s.path("4913")))
			s.must(os.Rename(s.path("app.py"), s.path("app.py~")))
			s.write("app.py")
			s.must(os.Remove(s.path("app.py~")))
		},
		"touch":  func(s *site) { s.must(os.Chtimes(s.path("app.py"), time.Now(), time.Now().Add(time.Hour))) },
		"remove": func(s *site) { s.must(os.Remove(s.path("app.py"))) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, short, "app.py", "other.py")
			save(s)
			s.changes("app.py")
			s.write("other.py")
			s.changes("other.py")
			if name == "remove" {
				s.write("app.py")
				s.changes("app.py")
			}
		})
	}
}

func TestWhatDoesNotMatterIsNoChange(t *testing.T) {
	s := newSite(t, short, "app.py", "unloaded.py", "data.txt.py")
	s.write("unloaded.py")
	s.must(os.Rename(s.path("unloaded.py"), s.path("unloaded.py~")))
	s.write("unloaded.py") // saved by an editor, and no new module
	s.write("notes.txt")
	s.write(".#app.py")
	s.write("#app.py#")
	s.write("app.pyc")
	s.write("__pycache__/app.cpython-311.pyc")
	s.must(os.Chmod(s.path("app.py"), 0o600))
	s.must(os.Mkdir(s.path("folder"), 0o755))
	s.write("app.py")
	s.changes("app.py")
}

func TestManyFilesAtOnceAreOneChange(t *testing.T) {
	var names []string
	for n := range 300 {
		names = append(names, "package"+strconv.Itoa(n%7)+"/module"+strconv.Itoa(n)+".py")
	}
	s := newSite(t, time.Second, names...)
	for _, name := range names {
		s.write(name)
	}
	s.changes(names[0])
	s.write(names[5])
	s.changes(names[5])
}

func TestNewModuleIsAChangeAndThenOneOfTheSet(t *testing.T) {
	s := newSite(t, short, "package/app.py")
	s.write("package/missing.py")
	s.changes("package/missing.py")
	s.write("package/missing.py")
	s.changes("package/missing.py")
}

func TestFolderThatIsReplacedIsStillWatched(t *testing.T) {
	s := newSite(t, short, "package/inner/app.py", "other.py")
	for range 2 {
		s.must(os.RemoveAll(s.path("package")))
		s.changes("package/inner/app.py")
		s.write("package/inner/app.py")
		s.changes("package/inner/app.py")
		s.write("package/inner/app.py")
		s.changes("package/inner/app.py")

		s.must(os.Rename(s.path("package/inner"), s.path("away")))
		s.changes("package/inner/app.py")
		s.must(os.Rename(s.path("away"), s.path("package/inner")))
		s.changes("package/inner/app.py")
		s.write("package/inner/app.py")
		s.changes("package/inner/app.py")
	}
}

func TestFileThatIsMissingIsWaitedFor(t *testing.T) {
	s := newSite(t, short, "app.py")
	s.watch([]string{s.path("not/yet/there.py")})
	s.write("not/yet/there.py")
	s.changes("not/yet/there.py")
}

func TestSetIsReplaced(t *testing.T) {
	s := newSite(t, short, "a/old.py", "b/both.py")
	s.write("c/new.py")
	s.watch([]string{s.path("b/both.py"), s.path("c/new.py")})
	s.write("a/old.py")
	s.write("c/new.py")
	s.changes("c/new.py")
	s.write("b/both.py")
	s.changes("b/both.py")
}

func TestLinksLeadToWhatIsWrittenTo(t *testing.T) {
	s := newSite(t, short)
	s.write("real/app.py")
	s.write("elsewhere/settings.py")
	s.must(os.Symlink("real", s.path("link")))
	s.must(os.Symlink("../elsewhere/settings.py", s.path("real/settings.py")))
	s.watch([]string{s.path("link/app.py"), s.path("link/settings.py")})
	s.write("real/app.py")
	s.changes("real/app.py")
	s.write("elsewhere/settings.py")
	s.changes("elsewhere/settings.py")
	s.must(os.Remove(s.path("real/settings.py"))) // another release, say
	s.changes("real/settings.py")
}

func TestPatternsFindFilesOldAndNew(t *testing.T) {
	s := newSite(t, short, "app.py")
	s.write("templates/base.html")
	s.write("conf/a.yaml")
	s.watch([]string{s.path("app.py")},
		s.path("templates/**/*.html"), s.path("conf/*.{yaml,toml}"), s.path(".env"), s.path("later/*/x.txt"))
	for _, name := range []string{
		"templates/base.html", "templates/shop/cart/item.html", "templates/shop/cart/other.html", "conf/a.yaml", "conf/new.toml",
		".env", "later/folder/x.txt", "later/folder/x.txt",
	} {
		s.write("conf/deeper/b.yaml")
		s.write("templates/note.txt")
		s.write("later/x.txt")
		s.write(name)
		s.changes(name)
	}
	s.watch(nil, s.path("conf")) // a folder is all that is in it
	s.write("conf/deeper/c/anything")
	s.changes("conf/deeper/c/anything")
}

func TestPatternThatIsNoneIsNamed(t *testing.T) {
	s := newSite(t, short)
	if _, err := s.watcher.Watch(nil, []string{"conf/[a"}, time.Now()); err == nil || !strings.Contains(err.Error(), "--reload-extra-file conf/[a: ") {
		t.Errorf("got %v", err)
	}
}

func TestLimitsOfTheSystemAreNamed(t *testing.T) {
	for err, says := range map[error]string{
		syscall.ENOSPC: "fs.inotify.max_user_watches",
		syscall.EMFILE: "fs.inotify.max_user_instances",
		syscall.EACCES: "permission denied",
	} {
		if got := refusal(os.NewSyscallError("inotify", err)); !strings.Contains(got.Error(), says) || !strings.Contains(got.Error(), "--reload") {
			t.Errorf("%v: %v", err, got)
		}
	}
	var log bytes.Buffer
	w := &Watcher{log: slog.New(slog.NewTextHandler(&log, nil))}
	w.complain(refusal(syscall.ENOSPC))
	if !strings.Contains(log.String(), "event=reload.blind") {
		t.Errorf("log: %s", log.String())
	}
}

func TestFilesThatChangedBeforeTheyWereWatchedAreNamed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.py")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := New(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	now := time.Now()
	for _, c := range []struct {
		written time.Time
		want    string
	}{{now.Add(-time.Second), ""}, {now.Add(time.Second), file}} {
		if err := os.Chtimes(file, c.written, c.written); err != nil {
			t.Fatal(err)
		}
		w.Watch(nil, nil, now)
		if missed, err := w.Watch([]string{file}, nil, now); missed != c.want || err != nil {
			t.Errorf("written %v: %q, %v", c.written.Sub(now), missed, err)
		}
	}
}
