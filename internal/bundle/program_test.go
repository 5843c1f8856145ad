package bundle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestProgramIsUnpackedByItselfAndRestored(t *testing.T) {
	path, place := write(t, nil, small()...), place(t)
	for _, damage := range []func(program string) error{
		func(string) error { return nil },
		os.Remove,
		func(program string) error {
			return writeAnew(program, strings.ToUpper(testProgram))
		},
		func(program string) error { return os.Chmod(program, 0o444) },
	} {
		site := open(t, path).programSite()
		folder, err := site.Unpack(t.Context(), place)
		if err != nil {
			t.Fatal(err)
		}
		program := folder.Join(ProgramPath)
		content, err := os.ReadFile(program)
		info, statErr := os.Stat(program)
		if err != nil || statErr != nil || string(content) != testProgram || info.Mode().Perm() != 0o555 {
			t.Errorf("%q, %v, %v, %v", content, info, err, statErr)
		}
		entries, err := os.ReadDir(folder.Path)
		if err != nil || len(entries) != 2 { // the file of locks is the other
			t.Errorf("%v, %v", entries, err)
		}
		folder.release()
		if err := os.Chmod(folder.Path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := damage(program); err != nil {
			t.Fatal(err)
		}
	}
}

// writeAnew replaces a file that may not be written to.
func writeAnew(path, content string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o555) //nolint:gosec // a program
}

func TestProgramsOfOtherGowsgisStayWhileTheyRun(t *testing.T) {
	place := place(t)
	unpacked := func(program string) (path string, release func()) {
		site := open(t, write(t, func(m *Manifest) { m.Program.SHA256 = Sum([]byte(program)) }, small()...)).programSite()
		// The name is what counts here: what is in it is of one gowsgi.
		site.Files[0].Part = Part{int64(len(testProgram)), Sum([]byte(testProgram))}
		folder, err := site.Unpack(t.Context(), place)
		if err != nil {
			t.Fatal(err)
		}
		return folder.Path, folder.release
	}
	first, release := unpacked("first")
	second, releaseSecond := unpacked("second")
	defer releaseSecond()
	for _, path := range []string{first, second} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("while both are in use: %v", err)
		}
	}
	release()
	third, releaseThird := unpacked("third")
	defer releaseThird()
	if _, err := os.Stat(first); err == nil {
		t.Error("what nobody uses is still there")
	}
	for _, path := range []string{second, third} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestDamagedProgramIsNotUnpacked(t *testing.T) {
	wrong := func(m *Manifest) { m.Program.SHA256 = Sum([]byte("another gowsgi")) }
	site, place := open(t, write(t, wrong, small()...)), place(t)
	for what, err := range map[string]error{"verifying": site.Verify(), "unpacking": second(site.programSite().Unpack(t.Context(), place)), "in memory": second(site.inMemory())} {
		if err == nil || !strings.Contains(err.Error(), "gowsgi in it is not what it was") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if entries, err := os.ReadDir(place); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := Open(write(t, func(m *Manifest) { m.Program.Size = -1 }, small()...)); err == nil {
		t.Error("a program of less than no bytes is opened")
	}
}

func second[T any](_ T, err error) error { return err }

func TestWhatIsSaidOfAnotherProcessIsNotInherited(t *testing.T) {
	file, err := os.Open(write(t, nil, small()...))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for value, why := range map[string]string{
		fmt.Sprintf("%d %d %s", os.Getppid(), file.Fd(), file.Name()): "of the parent",
		fmt.Sprintf("%d none %s", os.Getpid(), file.Name()):           "without a descriptor",
		fmt.Sprintf("%d 0 %s", os.Getpid(), file.Name()):              "standard input",
		"": "empty",
	} {
		t.Setenv(variable, value)
		if site, err := Inherit(); site != nil || err != nil {
			t.Errorf("%s: %v, %v", why, site, err)
		}
		if _, set := os.LookupEnv(variable); set {
			t.Errorf("%s: child processes would inherit it", why)
		}
	}
}

func TestBundleIsInheritedWithItsPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a path with spaces")
	if err := os.Rename(write(t, nil, small()...), path); err != nil {
		t.Fatal(err)
	}
	own := open(t, path)
	descriptor, err := syscall.Dup(int(own.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(variable, fmt.Sprintf("%d %d %s", os.Getpid(), descriptor, own.At))
	site, err := Inherit()
	if err != nil || site == nil || site.At != path || site.Hash != own.Hash {
		t.Fatalf("%+v, %v", site, err)
	}
	site.Close()
}
