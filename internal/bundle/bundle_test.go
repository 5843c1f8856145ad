package bundle

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// head is a program in a bundle of a test: it is never started.
func head() []byte {
	program := make([]byte, 200)
	copy(program, "\x7fELF\x02\x01\x01")
	Mark(program)
	return program
}

// testProgram is gowsgi in a bundle of a test.
const testProgram = "a gowsgi"

// entry is a file for a bundle of a test.
type entry struct {
	path, content, link string
	executable          bool
}

// small are the files that every bundle has.
func small() []entry {
	return []entry{
		{path: WorkerPath, content: "the worker", executable: true},
		{path: "python/lib/libpython3.11.so.1.0", content: "libpython"},
		{path: "python/bin/python3.11", content: "an interpreter", executable: true},
		{path: "venv/bin/python", link: "../../python/bin/python3.11"},
		{path: "app/hello.py", content: "hello = 1\n"},
		{path: "app/static/a/b/c.css", content: strings.Repeat("a {}\n", 1000)},
	}
}

// write writes a bundle to a new file and returns its path.
func write(t *testing.T, change func(*Manifest), entries ...entry) string {
	t.Helper()
	head, program := head(), []byte(testProgram)
	m := &Manifest{
		Gowsgi: "1", Name: "hello", Target: "hello:application",
		Head: Part{int64(len(head)), Sum(head)}, Program: Part{int64(len(program)), Sum(program)},
		Python: Python{Name: "3.11", Version: "3.11.7", Executable: "venv/bin/python", Base: "python/bin", Prefix: "venv"},
	}
	var archive bytes.Buffer
	encoder, err := Compress(&archive, head)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encoder.Write(program); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		file := File{Path: e.path, Link: e.link, Executable: e.executable}
		if e.link == "" {
			file.Part = Part{int64(len(e.content)), Sum([]byte(e.content))}
			if _, err := encoder.Write([]byte(e.content)); err != nil {
				t.Fatal(err)
			}
		}
		m.Files = append(m.Files, file)
	}
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}
	m.Archive = Part{int64(archive.Len()), Sum(archive.Bytes())}
	if change != nil {
		change(m)
	}
	manifest, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	trailer := Trailer{int64(len(head)), int64(archive.Len()), int64(len(manifest)), sha256.Sum256(manifest)}
	path := filepath.Join(t.TempDir(), "site")
	data := bytes.Join([][]byte{head, archive.Bytes(), manifest, trailer.Bytes()}, nil)
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string) *Site {
	t.Helper()
	site, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		site.Close()
		if site.folder != nil {
			site.folder.release()
		}
	})
	return site
}

// place is a folder for bundles that can be removed again.
func place(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "place")
	t.Cleanup(func() { _ = removeTree(path) })
	return path
}

func unpack(t *testing.T, site *Site, place string) *Folder {
	t.Helper()
	folder, err := site.Unpack(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// whole checks that a folder holds what the bundle does, and nothing else.
func whole(t testing.TB, folder *Folder, entries []entry) {
	t.Helper()
	want := map[string]bool{usedPath: true, configPath: true}
	for _, e := range entries {
		want[e.path] = true
		if e.link != "" {
			if target, err := os.Readlink(folder.Join(e.path)); err != nil || target != e.link {
				t.Errorf("%s leads to %q: %v", e.path, target, err)
			}
			continue
		}
		content, err := os.ReadFile(folder.Join(e.path))
		info, statErr := os.Stat(folder.Join(e.path))
		if err != nil || statErr != nil || string(content) != e.content || info.Mode().Perm() != mode(File{Executable: e.executable}) {
			t.Errorf("%s: %q, %v, %v", e.path, content, err, info)
		}
	}
	err := filepath.WalkDir(folder.Path, func(path string, entry os.DirEntry, err error) error {
		rel, _ := filepath.Rel(folder.Path, path)
		if err == nil && !entry.IsDir() && !want[rel] {
			t.Errorf("%s is there as well", rel)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	config, err := os.ReadFile(folder.Join(configPath))
	if err != nil || !strings.HasPrefix(string(config), "home = "+folder.Path+"/python/bin\n") {
		t.Errorf("%q, %v", config, err)
	}
}

func TestEveryDamagedByteIsFound(t *testing.T) {
	path := write(t, nil, small()...)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	look := func(what string, data []byte) {
		if err := os.WriteFile(path, data, 0o755); err != nil {
			t.Fatal(err)
		}
		site, err := Open(path)
		if err == nil {
			err = site.Verify()
			site.Close()
		}
		if !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 1 << (i % 8)
		look(fmt.Sprintf("byte %d of %d", i, len(data)), damaged)
	}
	for size := trailerSize; size < len(data); size++ {
		look(fmt.Sprintf("%d bytes of %d", size, len(data)), data[:size])
	}
	look("with more behind it", append(bytes.Clone(data), "more"...))
}

func TestWhatIsNoBundleIsNone(t *testing.T) {
	for name, data := range map[string]string{"empty": "", "text": strings.Repeat("text ", 100)} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(data), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "is no executable that gowsgi build has made") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if site, err := Own(); err == nil || !strings.Contains(err.Error(), "is no executable that gowsgi build has made") {
		t.Errorf("this test is %v, %v", site, err)
	}
	if site, err := Inherit(); site != nil || err != nil {
		t.Errorf("this test has inherited %v, %v", site, err)
	}
}

func TestTenCopiesAtOnceUnpackOnce(t *testing.T) {
	path, place := write(t, nil, small()...), place(t)
	var wait sync.WaitGroup
	for range 10 {
		site := open(t, path)
		wait.Go(func() {
			folder, err := site.Unpack(t.Context(), place)
			if err != nil {
				t.Error(err)
				return
			}
			whole(t, folder, small())
		})
	}
	wait.Wait()
	entries, err := os.ReadDir(place)
	if err != nil || len(entries) != 2 { // and the lock
		t.Errorf("%v, %v", entries, err)
	}
}

func TestWhatAKilledProcessLeftIsRemoved(t *testing.T) {
	site, place := open(t, write(t, nil, small()...)), place(t)
	left := filepath.Join(place, unfinishedPrefix+"left", "venv")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(left, 0o555); err != nil {
		t.Fatal(err)
	}
	whole(t, unpack(t, site, place), small())
	if _, err := os.Stat(filepath.Dir(left)); err == nil {
		t.Error("it is still there")
	}
}

func TestWhatIsMissingOrChangedIsRestored(t *testing.T) {
	for name, harm := range map[string]func(*Folder) error{
		"a file is gone":             func(f *Folder) error { return os.Remove(f.Join("app/hello.py")) },
		"a folder is gone":           func(f *Folder) error { return removeTree(f.Join("app")) },
		"a link is gone":             func(f *Folder) error { return os.Remove(f.Join("venv/bin/python")) },
		"a file has another size":    func(f *Folder) error { return change(f.Join("app/hello.py"), "hello = 12\n") },
		"the worker is another":      func(f *Folder) error { return change(f.Join(WorkerPath), "the worxer") },
		"the interpreter is another": func(f *Folder) error { return change(f.Join("python/bin/python3.11"), "an interprexer") },
		"libpython is another":       func(f *Folder) error { return change(f.Join("python/lib/libpython3.11.so.1.0"), "libpythom") },
		"pyvenv.cfg is of elsewhere": func(f *Folder) error { return change(f.Join(configPath), "home = /x\n") },
		"the file of locks is gone":  func(f *Folder) error { return os.Remove(f.Join(usedPath)) },
		"all is gone":                func(f *Folder) error { return removeTree(f.Path) },
		"a folder is a file": func(f *Folder) error {
			return errors.Join(removeTree(f.Join("app")), os.WriteFile(f.Join("app"), nil, 0o600))
		},
		"a file is a folder": func(f *Folder) error {
			return errors.Join(os.Remove(f.Join("app/hello.py")), os.MkdirAll(f.Join("app/hello.py/x"), 0o700))
		},
		"a folder leads out": func(f *Folder) error { return errors.Join(removeTree(f.Join("app")), os.Symlink("/", f.Join("app"))) },
		"a group may write":  func(f *Folder) error { return os.Chmod(f.Path, 0o775) },
		"the file of locks is a folder": func(f *Folder) error {
			return errors.Join(os.Remove(f.Join(usedPath)), os.Mkdir(f.Join(usedPath), 0o700))
		},
		"the file of locks leads elsewhere": func(f *Folder) error {
			return errors.Join(os.Remove(f.Join(usedPath)), os.Symlink("/nonexistent", f.Join(usedPath)))
		},
		"the folder is a file": func(f *Folder) error { return errors.Join(removeTree(f.Path), os.WriteFile(f.Path, nil, 0o600)) },
		"the place is gone":    func(f *Folder) error { return removeTree(filepath.Dir(f.Path)) },
		"a restoring process was killed": func(f *Folder) error {
			if err := os.Remove(f.Join("app/hello.py")); err != nil {
				return err
			}
			if err := os.Chmod(f.Join("app"), 0o755); err != nil {
				return err
			}
			return os.WriteFile(f.Join(fmt.Sprintf("app/.writing-%d-1", os.Getpid())), []byte("half"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, place := write(t, nil, small()...), place(t)
			running := open(t, path)
			folder := unpack(t, running, place)
			if err := os.Chmod(folder.Path, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, below := range []string{"app", "venv", "venv/bin"} {
				if err := os.Chmod(folder.Join(below), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := harm(folder); err != nil {
				t.Fatal(err)
			}
			whole(t, unpack(t, running, place), small()) // at a reload
			if err := harm(folder); err != nil && name != "a restoring process was killed" {
				t.Log(err) // the folder may not be written to any more
			}
			whole(t, unpack(t, open(t, path), place), small()) // at another start
		})
	}
}

// What was found right is not read again, but what has changed since is.
func TestAChangeIsSeenLongAfterTheLastLook(t *testing.T) {
	site, place := open(t, write(t, nil, small()...)), place(t)
	folder := unpack(t, site, place)
	time.Sleep(1100 * time.Millisecond) // from when on it is remembered
	if wrong := folder.wrong(); len(wrong) > 0 {
		t.Fatalf("%v are wrong", wrong)
	}
	if _, known := folder.right.Load(WorkerPath); !known {
		t.Error("the worker is read again each time")
	}
	for _, content := range []string{"the worxer", "the worzer"} {
		if err := os.Chmod(folder.Path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := change(folder.Join(WorkerPath), content); err != nil {
			t.Fatal(err)
		}
		whole(t, unpack(t, site, place), small())
	}
}

func TestTheListOfFilesIsReadAsItWasWritten(t *testing.T) {
	m := Manifest{Files: []File{
		{Path: "a", Part: Part{1 << 40, Sum(nil)}},
		{Path: "line\nand\rblank ü\xff", Executable: true, Loads: true, Part: Part{0, Sum([]byte("x"))}},
		{Path: "link", Link: "a b"},
		{Path: "x", Executable: true},
		{Path: "l", Loads: true},
	}}
	text := string(m.appendList(nil))
	if files, err := parseList(text); err != nil || !slices.Equal(files, m.Files) {
		t.Errorf("%+v, %v", files, err)
	}
	for size := range len(text) {
		if files, err := parseList(text[:size]); err == nil && !slices.Equal(files, m.Files[:len(files)]) {
			t.Errorf("%d bytes: %+v", size, files)
		}
	}
	if _, err := parseList("a\x00\x00\x00much\x00\x00"); err == nil {
		t.Error("a size that is none")
	}
}

func change(path, content string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o444)
}

func TestPathsThatLeadOutAreRefused(t *testing.T) {
	for name, e := range map[string]entry{
		"above":             {path: "../evil", content: "x"},
		"absolute":          {path: "/tmp/evil", content: "x"},
		"above, within":     {path: "app/../../evil", content: "x"},
		"a link to a file":  {path: "app/link", link: "/etc/passwd"},
		"a link to above":   {path: "app/link", link: "../../x"},
		"the folder itself": {path: "", content: "x"},
	} {
		if site, err := Open(write(t, nil, append(small(), e)...)); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v, %v", name, site, err)
		}
	}
	for name, change := range map[string]func(*Manifest){
		"a script":        func(m *Manifest) { m.Scripts = map[string]string{"x": "../../bin/sh"} },
		"the interpreter": func(m *Manifest) { m.Python.Executable = "/usr/bin/python3" },
		"the name":        func(m *Manifest) { m.Name = "../x" },
		"the search path": func(m *Manifest) { m.Path = []string{".."} },
	} {
		if _, err := Open(write(t, change, small()...)); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Links that lead nowhere bad each, and out together.
	outside := t.TempDir()
	chain := append(small(), entry{path: "app/a", link: "static"}, entry{path: "app/a/b/evil", content: "x"})
	folder, err := open(t, write(t, nil, chain...)).Unpack(t.Context(), place(t))
	if err == nil {
		if _, err := os.Stat(folder.Join("app/static/b/evil")); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}
