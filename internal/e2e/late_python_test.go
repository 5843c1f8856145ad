package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// latePython is an interpreter that answers when the test says so.
func latePython(t *testing.T) (path string, answer func()) {
	t.Helper()
	folder := t.TempDir()
	gate, path := filepath.Join(folder, "gate"), filepath.Join(folder, "python")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, path, "#!/bin/sh\nread line <"+gate+"\nexec "+filepath.Join(PlainVenv(t), "bin", "python")+" \"$@\"\n")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		t.Helper()
		if err := os.WriteFile(gate, []byte("go\n"), 0); err != nil {
			t.Error(err)
		}
	}
}

func TestPythonThatDoesNotAnswerIsNamedWhileItIsWaitedFor(t *testing.T) {
	path, answer := latePython(t)
	s := launch(t, Options{Target: "startup_app", Venv: path})
	t.Cleanup(func() { s.Stop(t) })
	s.WaitLog(t, "event=python.late interpreter="+path+" patience_seconds=55")
	answer()
	s.waitReady(t)
	if n := strings.Count(s.Log(), "event=python.late"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
	s.Signal(t, syscall.SIGHUP)
	Eventually(t, "it is said at a reload", func() bool { return strings.Count(s.Log(), "event=python.late") == 2 })
	answer()
	s.WaitLog(t, "event=reload.done")
}

func TestPythonThatDoesNotAnswerIsNamedByCheckConfig(t *testing.T) {
	path, answer := latePython(t)
	s := launch(t, Options{Target: "startup_app", Venv: path, Args: []string{"--check-config"}})
	s.WaitLog(t, "gowsgi: "+path+" has not answered yet, and is waited for another 55s")
	answer()
	if status := s.Wait(t); status != 0 || !strings.Contains(s.Out(), "\napplication loaded in ") {
		t.Errorf("status %d, out %s, errors %s", status, s.Out(), s.Log())
	}
}
