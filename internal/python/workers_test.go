package python

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/python/packed"
)

// A shell instead of a python: it, too, starts without a worker that the loader
// cannot load.
var python311 = control.Python{Name: "3.11", Prefix: "/srv/venv", Program: "/bin/sh"}

// Larger than what is left on a full disk.
var worker = strings.Repeat("a worker\n", 10_000)

// workers are some that the loader does not take, and says so.
func workers(t *testing.T, names ...string) Workers {
	t.Helper()
	files := fstest.MapFS{"workers/.gitignore": {}}
	for _, name := range names {
		var file bytes.Buffer
		if err := packed.Write(&file, []byte(worker)); err != nil {
			t.Fatal(err)
		}
		files["workers/gowsgi-worker-"+name+".gz"] = &fstest.MapFile{Data: file.Bytes()}
	}
	return Workers{files}
}

// cache points the process at an empty cache and returns its folder.
func cache(t *testing.T) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return filepath.Join(os.Getenv("XDG_CACHE_HOME"), "gowsgi")
}

func open(t *testing.T, w Workers) *Program {
	t.Helper()
	program, err := w.Open(python311)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return program
}

// runs starts the program with an inherited file and sees whether the worker is what
// the loader was to load.
func runs(t *testing.T, program *Program) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := program.Command(out)
	cmd.Args = []string{"sh", "-c", `cat "$LD_PRELOAD" >&3`}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	if text, _ := os.ReadFile(out.Name()); string(text) != worker {
		t.Errorf("the worker is %.20q", text)
	}
}

// only is the one file in the cache.
func only(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Fatalf("cache holds %v (%v), want one file", entries, err)
	}
	return filepath.Join(folder, entries[0].Name())
}

func TestWorkersAreListedOldestFirst(t *testing.T) {
	w := workers(t, "3.13t", "3.13", "3.9", "3.10")
	if got := strings.Join(w.Names(), " "); got != "3.9 3.10 3.13 3.13t" {
		t.Errorf("got %s", got)
	}
}

func TestMissingWorkerIsNamedBesideThoseThereAre(t *testing.T) {
	_, err := workers(t, "3.13", "3.10").Open(python311)
	want := `/srv/venv is CPython 3.11, and this gowsgi holds workers for CPython 3.10, 3.13 only: ` +
		`build one for it with make build PYTHONS="python3.10 python3.11 python3.13"`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = Workers{fstest.MapFS{}}.Open(python311)
	if err == nil || !strings.Contains(err.Error(), `holds no worker at all: build one for it with make build PYTHONS="python3.11"`) {
		t.Errorf("got %v", err)
	}
}

func TestWorkerIsUnpackedOnceIntoAPrivateFolder(t *testing.T) {
	folder := cache(t)
	w := workers(t, "3.11")
	runs(t, open(t, w))
	first, err := os.Stat(only(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	runs(t, open(t, w))
	if second, err := os.Stat(only(t, folder)); err != nil || !os.SameFile(first, second) {
		t.Errorf("unpacked again: %v", err)
	}
	if info, _ := os.Stat(folder); info.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode is %v", info.Mode())
	}
}

func TestFolderThatOthersCouldReadBecomesPrivate(t *testing.T) {
	folder := cache(t)
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	open(t, workers(t, "3.11"))
	if info, _ := os.Stat(folder); info.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode is %v", info.Mode())
	}
}

func TestDamagedFileInTheCacheIsReplaced(t *testing.T) {
	folder := cache(t)
	w := workers(t, "3.11")
	open(t, w)
	path := only(t, folder)
	for name, damage := range map[string]func() error{
		"truncated":      func() error { return os.Truncate(path, 1000) },
		"other content":  func() error { return os.WriteFile(path, []byte("another"), 0o700) },
		"not executable": func() error { return os.Chmod(path, 0o600) },
		"a broken link":  func() error { return os.Symlink("/nonexistent", path+"x") },
		"gone":           func() error { return os.Remove(path) },
	} {
		t.Run(name, func(t *testing.T) {
			// Not in place: the program may be running still.
			if text, err := os.ReadFile(path); err != nil || os.Remove(path) != nil || os.WriteFile(path, text, 0o700) != nil {
				t.Fatalf("copy: %v", err)
			}
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			if name == "a broken link" {
				if err := os.Rename(path+"x", path); err != nil {
					t.Fatal(err)
				}
			}
			runs(t, open(t, w))
			only(t, folder)
		})
	}
}

func TestManyAtOnceEachGetAWholeWorker(t *testing.T) {
	folder := cache(t)
	w := workers(t, "3.11")
	var all sync.WaitGroup
	programs := make([]*Program, 20)
	for i := range programs {
		all.Go(func() {
			program, err := w.Open(python311)
			if err != nil {
				t.Error(err)
			}
			programs[i] = program
		})
	}
	all.Wait()
	only(t, folder)
	for _, program := range programs {
		if program != nil {
			runs(t, program)
			program.Close()
		}
	}
}

func TestWorkerStartsAfterTheCacheWasEmptied(t *testing.T) {
	folder := cache(t)
	program := open(t, workers(t, "3.11"))
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	runs(t, program)
	write(t, program.path, "another") // and after somebody put another file there
	runs(t, program)
}

func TestDamagedGowsgiSaysSo(t *testing.T) {
	cache(t)
	w := workers(t, "3.11")
	data := w.files.(fstest.MapFS)["workers/gowsgi-worker-3.11.gz"].Data
	data[len(data)/2] ^= 0xff
	if _, err := w.Open(python311); err == nil || !strings.HasSuffix(err.Error(), "build or download this gowsgi again") {
		t.Errorf("got %v", err)
	}
	w.files.(fstest.MapFS)["workers/gowsgi-worker-3.11.gz"].Data = []byte("x")
	if _, err := w.Open(python311); err == nil || !strings.Contains(err.Error(), "build or download this gowsgi again") {
		t.Errorf("got %v", err)
	}
}

func TestWorkerThatIsPackedAsADifferenceNeedsItsBase(t *testing.T) {
	cache(t)
	w := workers(t, "3.12")
	files := w.files.(fstest.MapFS)
	var file bytes.Buffer
	base := packed.Base{Name: "gowsgi-worker-3.12", Executable: []byte(worker)}
	if err := packed.WriteDifference(&file, []byte("another "+worker), base); err != nil {
		t.Fatal(err)
	}
	files["workers/gowsgi-worker-3.11.gz"] = &fstest.MapFile{Data: file.Bytes()}
	program := open(t, w)
	if text, err := os.ReadFile(program.path); err != nil || string(text) != "another "+worker {
		t.Errorf("the worker is %.20q, %v", text, err)
	}
	cache(t)
	whole := files["workers/gowsgi-worker-3.12.gz"].Data
	for name, data := range map[string][]byte{"damaged": whole[:len(whole)/2], "a difference itself": file.Bytes(), "gone": nil} {
		files["workers/gowsgi-worker-3.12.gz"] = &fstest.MapFile{Data: data}
		if data == nil {
			delete(files, "workers/gowsgi-worker-3.12.gz")
		}
		if _, err := w.Open(python311); err == nil || !strings.HasSuffix(err.Error(), "build or download this gowsgi again") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
