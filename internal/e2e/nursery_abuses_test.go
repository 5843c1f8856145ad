package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// application is text that serves a word.
func application(word string) string {
	return "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'" + word + "']\n"
}

// kill sends a signal to one of the program's processes.
func kill(t testing.TB, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

// Where no more processes may be, the nursery goes on, says what has run out, and
// forks when there may be more.
func TestANurseryThatMayNotForkGoesOn(t *testing.T) {
	needsNursery(t)
	python, folder := everybodys(t) // root has no such limit
	write(t, filepath.Join(folder, "full.py"), "import os, resource\nmost = resource.getrlimit(resource.RLIMIT_NPROC)[1]\n"+
		"def limit():\n    resource.setrlimit(resource.RLIMIT_NPROC, (0 if os.path.exists('full') else most, most))\n"+
		"os.register_at_fork(before=limit)\n"+application("forked"))
	if err := os.Chmod(filepath.Join(folder, "full.py"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := Start(t, Options{Target: "full", Dir: folder, Args: []string{"--preload", "--user", "nobody"}, Venv: python})
	nursery, worker := s.Nurseries(), s.WorkerPIDs()[0]
	write(t, filepath.Join(folder, "full"), "")
	kill(t, worker, syscall.SIGKILL)
	s.WaitLog(t, `event=worker.failed worker=1 reason="worker 1 cannot be forked: no more processes may be started: raise ulimit -u`)
	if err := os.Remove(filepath.Join(folder, "full")); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "a worker of the same nursery", func() bool {
		now := s.WorkerPIDs()
		return len(now) == 1 && now[0] != worker && slices.Equal(s.Nurseries(), nursery)
	})
	s.Client(t).Get("/").Want(t, 200, "forked")
}

// A fork bomb that is loaded: each child comes back from the application, and ends
// there; what is left is what would be there without.
func TestAForkBombAtImportIsOneNursery(t *testing.T) {
	needsNursery(t)
	folder := t.TempDir()
	write(t, filepath.Join(folder, "bomb.py"), "import os\nfor _ in range(6):\n    os.fork()\n"+application("whole"))
	s := Start(t, Options{Target: "bomb", Dir: folder, Args: []string{"--preload", "-w", "2"}})
	s.Client(t).Get("/").Want(t, 200, "whole")
	Eventually(t, "every child has ended", func() bool {
		return strings.Count(s.Log(), "a forked child returned from the application: it ends here") == 63
	})
	if n := s.Nurseries(); len(n) != 1 || len(s.WorkerPIDs()) != 2 {
		t.Errorf("nurseries %v, workers %v", n, s.WorkerPIDs())
	}
}

// Children that stay have the nursery's descriptors: that it ends is seen all the
// same, and so is a stop.
func TestChildrenOfANurseryDoNotHideItsEnd(t *testing.T) {
	needsNursery(t)
	folder := t.TempDir()
	write(t, filepath.Join(folder, "leaves.py"), "import os, time\nif os.fork() == 0:\n    time.sleep(600)\n    os._exit(0)\n"+application("left"))
	s := Start(t, Options{Target: "leaves", Dir: folder, Outlived: true, Args: []string{"--preload"}})
	nursery, worker := s.Nurseries(), s.WorkerPIDs()
	if len(nursery) != 1 || len(worker) != 1 {
		t.Fatalf("nurseries %v, workers %v", nursery, worker)
	}
	kill(t, nursery[0], syscall.SIGKILL)
	s.WaitLog(t, "event=nursery.died")
	Eventually(t, "another nursery is there", func() bool { return strings.Count(s.Log(), "event=nursery.loaded") == 2 })
	kill(t, worker[0], syscall.SIGKILL)
	Eventually(t, "another worker is there", func() bool { return strings.Count(s.Log(), "event=application.loaded") == 2 })
	s.Client(t).Get("/").Want(t, 200, "left")
}

// A worker that is wanted while the nursery hangs: another nursery makes it.
func TestANurseryThatHangsWhileItForksIsReplaced(t *testing.T) {
	needsNursery(t)
	folder := t.TempDir()
	write(t, filepath.Join(folder, "hangs.py"), "import os, time\ndef wait():\n    while os.path.exists('hang'):\n        time.sleep(0.01)\n"+
		"os.register_at_fork(before=wait)\n"+application("forked"))
	s := Start(t, Options{Target: "hangs", Dir: folder, Args: []string{"--preload"}})
	nursery, worker := s.Nurseries(), s.WorkerPIDs()[0]
	write(t, filepath.Join(folder, "hang"), "")
	kill(t, worker, syscall.SIGKILL)
	log := s.WaitLog(t, "event=nursery.died")
	if !strings.Contains(log, "worker 1 cannot be forked: the process that has loaded the application did not answer within 5s") {
		t.Error("the log does not say what the worker has waited for")
	}
	if err := os.Remove(filepath.Join(folder, "hang")); err != nil {
		t.Fatal(err)
	}
	s.Client(t).Get("/").Want(t, 200, "forked")
	if now := s.Nurseries(); len(now) != 1 || now[0] == nursery[0] {
		t.Errorf("nursery %v is now %v", nursery, now)
	}
	// It hangs from the beginning: that is the end of the start.
	write(t, filepath.Join(folder, "hang"), "")
	result := Run(t, Options{Dir: folder}, "-b", freeAddr(t), "--venv", PlainVenv(t), "--preload", "hangs")
	if want := "gowsgi: worker 1 cannot be forked: "; result.Status != 1 || !strings.Contains(result.Errors, want) {
		t.Errorf("status %d, want %q:\n%s", result.Status, want, result.Errors)
	}
}
