package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Agents come as a sitecustomize, which runs before anything of ours. What it does
// with signals must not keep a worker from stopping as it should: systemd sends
// SIGTERM to all processes of a service.
func TestSignalsOfASitecustomizeAreTheServersAgain(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "sitecustomize.py"), `import os, signal
for number in signal.SIGTERM, signal.SIGQUIT, signal.SIGINT:
    signal.signal(number, lambda *_: os._exit(77))
`)
	s := Start(t, Options{Target: "sleeps:application", Env: []string{"PYTHONPATH=" + folder}})
	before := s.WorkerPIDs()
	if err := syscall.Kill(before[0], syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "another worker serves", func() bool {
		now := s.WorkerPIDs()
		return len(now) == 1 && now[0] != before[0]
	})
	if log := s.WaitLog(t, "event=worker.died"); !strings.Contains(log, "exited with status 0") || strings.Contains(log, "exited with status 77") {
		t.Errorf("the log:\n%s", log)
	}
}
