package python

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// short is what a finder (find_test.go) has too little of.
const short = "GOWSGI_TEST_SHORT"

// runShort lets the process open no more files than the one or two that it
// begins with.
func runShort() {
	if os.Getenv(short) != "files" {
		return
	}
	time.AfterFunc(time.Hour, func() {}) // Go opens files of its own for the first one
	next, err := syscall.Open(os.DevNull, syscall.O_RDONLY, 0)
	if err == nil {
		_ = syscall.Close(next)
		err = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(next) + 1, Max: uint64(next) + 1})
	}
	if err != nil {
		panic(err)
	}
}

// everybodysFolder is one that everybody may enter.
func everybodysFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "gowsgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// findAsNobody is what Find says to an unprivileged gowsgi.
func findAsNobody(t *testing.T, venv string, env ...string) string {
	t.Helper()
	user := nobody(t)
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(everybodysFolder(t), "finder")
	write(t, program, string(self))
	cmd := exec.Command(program)
	cmd.Dir = "/"
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", asFinder + "=" + venv}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// lookAlike is a healthy virtualenv of everybody's, with its Python in a folder
// of its own.
func lookAlike(t *testing.T) (venv, installation string) {
	t.Helper()
	home := everybodysFolder(t)
	venv, installation = filepath.Join(home, "venv"), filepath.Join(home, "python")
	write(t, filepath.Join(installation, "lib", "python3.11", "encodings.py"), "")
	// It needs its modules, as the real one does.
	write(t, filepath.Join(installation, "bin", "python3.11"), "#!/bin/sh\n"+
		"cat "+filepath.Join(installation, "lib", "python3.11", "encodings.py")+" >/dev/null 2>&1 ||"+
		" { echo \"ModuleNotFoundError: No module named 'encodings'\" >&2; exit 1; }\n"+
		answers("CPython", "3.11.7", installation)+"\n")
	if err := os.MkdirAll(filepath.Join(venv, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("python3", filepath.Join(venv, "bin", "python")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../python/bin/python3.11", filepath.Join(venv, "bin", "python3")); err != nil {
		t.Fatal(err)
	}
	return venv, installation
}

// A virtualenv that is healthy but out of reach, for an unprivileged gowsgi and
// for one of root's with --user: the folder is named, and nothing is deleted.
func TestFolderThatMayNotBeEnteredIsNamed(t *testing.T) {
	nobody(t)
	for _, closed := range []string{"venv", "venv/bin", "python", "python/bin", "python/lib", "python/lib/python3.11"} {
		t.Run(closed, func(t *testing.T) {
			venv, installation := lookAlike(t)
			if said := findAsNobody(t, venv); said != "<nil>" {
				t.Fatal(said)
			}
			folder := filepath.Join(filepath.Dir(installation), closed)
			if err := os.Chmod(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := FindAs(t.Context(), Where{Venv: venv}, nobody(t), nil)
			for _, said := range []string{findAsNobody(t, venv), fmt.Sprint(err)} {
				if !strings.HasPrefix(said, "--venv "+venv) || !strings.Contains(said, "let that user enter "+folder+",") &&
					!strings.Contains(said, "let user 65534 enter "+folder+",") {
					t.Errorf("%q does not name %s", said, folder)
				}
				if strings.Contains(said, "-m venv") {
					t.Errorf("%q would have it made anew", said)
				}
			}
		})
	}
}

func TestWhatHasRunOutIsNamed(t *testing.T) {
	venv, _ := lookAlike(t)
	said := findAsNobody(t, venv, short+"=files")
	if !strings.HasPrefix(said, "--venv "+venv+" cannot be ") || !strings.Contains(said, "raise ulimit -n") || strings.Contains(said, "-m venv") {
		t.Error(said)
	}
	// Without threads, or memory, the test itself could not run.
	found := interpreter{path: "/venv/bin/python", origin: "--venv /venv", broken: "make it anew with python3 -m venv --clear /venv"}
	for number, says := range map[syscall.Errno]string{
		unix.EAGAIN: "TasksMax", unix.ENOMEM: "the memory is not enough", unix.ENFILE: "fs.file-max", unix.E2BIG: "environment",
	} {
		err := found.refusal(&os.PathError{Op: "fork/exec", Path: found.path, Err: number}, "", nil)
		if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "-m venv") {
			t.Errorf("%v: %v", number, err)
		}
	}
}

func TestMemoryThatIsNotEnoughIsNamed(t *testing.T) {
	python := testPython(t)
	for _, limit := range []string{"4000", "8000", "12000"} {
		venv := withPython(t, "ulimit -v "+limit+"; exec "+python+` "$@"`)
		_, err := Find(t.Context(), venv)
		if err == nil {
			continue // this Python needs less
		}
		if !strings.Contains(err.Error(), "the memory is not enough") || strings.Contains(err.Error(), "-m venv") {
			t.Errorf("%s KiB: %v", limit, err)
		}
	}
}
