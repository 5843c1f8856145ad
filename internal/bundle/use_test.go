package bundle

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestOtherBuildsAreRemovedUnlessTheyAreInUse(t *testing.T) {
	place := place(t)
	build := func(content string) *Site {
		return open(t, write(t, nil, append(small(), entry{path: "app/version", content: content})...))
	}
	first := build("1")
	one := unpack(t, first, place)
	two := unpack(t, build("2"), place)
	stranger := filepath.Join(place, "hello-of-somebody-else")
	if err := os.Mkdir(stranger, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []*Folder{one, two} {
		if _, err := os.Stat(folder.Join("app/version")); err != nil {
			t.Errorf("one that is in use was removed: %v", err)
		}
	}
	one.release()
	first.folder = nil
	three := unpack(t, build("3"), place)
	if _, err := os.Stat(one.Path); err == nil {
		t.Error("one that nobody uses is still there")
	}
	for _, path := range []string{two.Path, three.Path, stranger} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// A daemon closes what it has inherited, and what an application starts inherits nothing.
func TestBuildThatAProcessRunsFromIsNotRemoved(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skip(err)
	}
	content, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	place := place(t)
	build := func(version string) *Folder {
		return unpack(t, open(t, write(t, func(m *Manifest) { m.Gowsgi = version }, append(small(), entry{path: "app/cat", content: string(content), executable: true})...)), place)
	}
	first := build("1")
	daemon := exec.Command(first.Join("app/cat"))
	daemon.Args[0] = "cat"
	input, err := daemon.StdinPipe()
	if err == nil {
		err = daemon.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	first.release()
	build("2").release()
	if _, err := os.Stat(first.Path); err != nil {
		t.Error("it is gone while a process runs from it")
	}
	input.Close()
	if err := daemon.Wait(); err != nil {
		t.Error(err)
	}
	build("3").release()
	if _, err := os.Stat(first.Path); err == nil {
		t.Error("one that nobody uses is still there")
	}
}

// A cleaner takes the file of locks first: it is as old as all, and nobody reads it.
func TestFileOfLocksThatWasTakenIsLockedAnew(t *testing.T) {
	path, place := write(t, nil, small()...), place(t)
	running := open(t, path)
	folder := unpack(t, running, place)
	if err := os.Remove(folder.Join(usedPath)); err != nil {
		t.Fatal(err)
	}
	unpack(t, open(t, path), place).release() // another copy makes it, and ends
	unpack(t, running, place)                 // at a reload
	unpack(t, open(t, write(t, func(m *Manifest) { m.Gowsgi = "2" }, small()...)), place)
	whole(t, folder, small())
}

func TestBuildWithoutItsFileOfLocksIsRemoved(t *testing.T) {
	place := place(t)
	first := unpack(t, open(t, write(t, nil, small()...)), place)
	if err := os.Remove(first.Join(usedPath)); err != nil {
		t.Fatal(err)
	}
	first.release()
	unpack(t, open(t, write(t, func(m *Manifest) { m.Gowsgi = "2" }, small()...)), place)
	if _, err := os.Stat(first.Path); err == nil {
		t.Error("it is still there")
	}
}

// cp writes into a file that is there, and begins by making it empty.
func TestFileThatIsWrittenToWhileItIsInUseIsDamaged(t *testing.T) {
	for name, size := range map[string]int64{"empty": 0, "half a head": 100, "half an archive": 230} {
		path, place := write(t, nil, small()...), place(t)
		site := open(t, path)
		folder := unpack(t, site, place)
		if err := removeTree(folder.Join("app")); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		if _, err := site.Unpack(t.Context(), place); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
