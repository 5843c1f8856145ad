package python

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user who is not root.
func nobody(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534}
}

// script is an interpreter that everybody can run, and answers as a Python whose
// prefix is the user's number, and HOME.
func script(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "gowsgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	path := filepath.Join(folder, "python")
	write(t, path, `#!/bin/sh
cat <<END
gowsgi:{"implementation": "CPython", "version": "3.11.0", "version_info": [3, 11], "ldversion": "3.11",
"prefix": "$(id -u) $HOME", "c_library": "glibc 2.36"}
END
`)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The answer is one line.
	write(t, path, strings.Replace(string(text), "\"3.11\",\n", "\"3.11\", ", 1))
	for _, each := range []string{folder, path} {
		if err := os.Chmod(each, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestInterpreterIsRunByTheWorkersUser(t *testing.T) {
	user := nobody(t)
	found, err := FindAs(t.Context(), Where{Venv: script(t)}, user, []string{"HOME=/home/x"})
	if err != nil || found.Prefix != "65534 /home/x" {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestInterpreterThatTheUserCannotReachIsNamed(t *testing.T) {
	user := nobody(t)
	path := script(t)
	if err := os.Chmod(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := FindAs(t.Context(), Where{Venv: path}, user, nil)
	if err == nil || !strings.Contains(err.Error(), path+" may not be run by user 65534: let that user enter") {
		t.Errorf("got %v", err)
	}
}

func TestWorkerForAnotherUserCanBeRunByHimAndChangedByNobody(t *testing.T) {
	folder := cache(t)
	user := nobody(t)
	program, err := workers(t, "3.11").OpenAs(python311, user)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if _, err := os.Stat(folder); err == nil {
		t.Error("the cache was used")
	}
	start := func(script string) ([]byte, error) {
		cmd := program.Command()
		cmd.Args = []string{"sh", "-c", script}
		cmd.Stderr = io.Discard // the loader's
		return cmd.Output()
	}
	out, err := start(`id -u; cat "$LD_PRELOAD"`)
	if err != nil || string(out) != "65534\n"+worker {
		t.Fatalf("%q, %v", out, err)
	}
	if out, err := start(`echo x >> "$LD_PRELOAD"`); err == nil {
		t.Errorf("a running worker could write to it: %q", out)
	}
	if err := syscall.Ftruncate(int(program.file.Fd()), 0); err == nil {
		t.Error("not even sealed")
	}
	if out, err := start("echo again"); err != nil || string(out) != "again\n" {
		t.Errorf("%q, %v", out, err)
	}
}
