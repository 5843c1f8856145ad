package e2e

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gowsgi/gowsgi/internal/operator"
)

// Nurseries are the processes that load the application for the workers of p,
// in order.
func (s *Server) Nurseries() []int { return nurseries(s.PID()) }

func nurseries(supervisor int) []int {
	var pids []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, _ := os.ReadFile(path)
		name, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if !strings.HasSuffix(name, "("+nursery) || len(fields) < 2 || fields[0] == "Z" || fields[1] != strconv.Itoa(supervisor) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}

func needsNursery(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("workers are forked on Linux only")
	}
}

// Workers crash again and again; what they are forked from goes on.
func TestCrashesOfWorkersDoNotTouchTheNursery(t *testing.T) {
	for _, env := range [][]string{nil, {"FAULTHANDLER=1"}} {
		s := startPreloaded(t, 2, Options{Env: env})
		s.stopped = true // by hand: the log has crashes
		nursery := s.Nurseries()
		for n := range 12 {
			c := Dial(t, s)
			c.Send("GET /crash HTTP/1.1\r\nHost: test\r\n\r\n")
			c.WantBroken("GET")
			Eventually(t, "the worker is replaced", func() bool {
				return strings.Count(s.Log(), "event=application.loaded") >= n+3
			})
		}
		log := s.Log()
		if n := strings.Count(log, "gowsgi: crash: SIGSEGV at address 0x0 in gowsgi-"); n != 12 {
			t.Errorf("%d crash reports", n)
		}
		if n := strings.Count(log, `cause="was killed by SIGSEGV (segmentation fault)`); n != 12 {
			t.Errorf("%d causes:\n%s", n, log)
		}
		if n := strings.Count(log, `running="GET /crash (`); n != 12 {
			t.Errorf("%d times the request", n)
		}
		if now := s.Nurseries(); !slices.Equal(now, nursery) || len(now) != 1 {
			t.Errorf("nursery %v is now %v", nursery, now)
		}
		s.Signal(t, syscall.SIGTERM)
		if status := s.Wait(t); status != 0 {
			t.Errorf("exit status %d", status)
		}
	}
}

func TestNurseryThatDiesIsReplaced(t *testing.T) {
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 2, Threads: 8, More: "preload = true"}})
	needsNursery(t)
	b := keepBusy(t, p)
	workers, before := p.Workers(t), nurseries(p.Supervisor(t))
	b.Event(t, "the nursery is killed", func() {
		if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}, func() bool {
		now := nurseries(p.Supervisor(t))
		return len(now) == 1 && now[0] != before[0] && p.Logged("nursery.loaded") == 2
	})
	if now := p.Workers(t); !slices.Equal(now, workers) {
		t.Errorf("workers %v are now %v", workers, now)
	}
	b.Event(t, "a worker is killed", func() {
		if err := syscall.Kill(workers[0], syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}, func() bool { return p.Logged("application.loaded") == 3 })
	b.Finish(t)
}

// One that is stopped does not listen: it is given up, and the workers are not.
func TestNurseryThatIsStoppedIsReplaced(t *testing.T) {
	s := startPreloaded(t, 1, Options{})
	before, worker := s.Nurseries(), s.WorkerPIDs()[0]
	if err := syscall.Kill(before[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "another worker answers, of another nursery", func() bool {
		pids, now := s.WorkerPIDs(), s.Nurseries()
		return len(pids) == 1 && pids[0] != worker && len(now) == 1 && now[0] != before[0]
	})
}

// What is loaded for all workers is seen like them: while that takes its time, and
// when they are forked.
func TestStatusShowsTheNursery(t *testing.T) {
	needsNursery(t)
	folder, control := t.TempDir(), "unix:"+filepath.Join(shortFolder(t), "control")
	write(t, filepath.Join(folder, "waits.py"), "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.01)\n"+
		"def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'loaded']\n")
	a := asked{launch(t, Options{Target: "waits", Dir: folder, Args: []string{"--preload", "-w", "2", "--control", control}}), control}
	t.Cleanup(func() {
		if a.Stop(t); t.Failed() {
			t.Log(a.Log())
		}
	})
	a.WaitLog(t, "event=listener.open")
	Eventually(t, "the application waits", func() bool {
		stacks := a.ask(t, "stacks").Out
		return strings.Contains(stacks, `waits.py", line 3, in <module>`) && !strings.Contains(stacks, "keeps the GIL")
	})
	state := a.state(t)
	if n := state.Nurseries; len(n) != 1 || n[0].Phase != operator.Starting || n[0].Loading <= 0 || n[0].RSS == 0 || len(state.Workers) > 0 {
		t.Errorf("while it loads: %+v", state)
	}
	if table := a.ask(t, "status").Out; !strings.Contains(table, "has been loading the application for") {
		t.Errorf("the table:\n%s", table)
	}
	write(t, filepath.Join(folder, "go"), "")
	a.waitReady(t)
	state = a.state(t)
	if n := state.Nurseries; len(n) != 1 || n[0].Phase != operator.Serving || n[0].Forked != 2 || n[0].PID != a.Nurseries()[0] || len(state.Workers) != 2 {
		t.Errorf("when it has loaded: %+v", state)
	}
	if table := a.ask(t, "status").Out; !strings.Contains(table, " ago; workers forked from it: 2; RSS ") {
		t.Errorf("the table:\n%s", table)
	}
}

// What gowsgi has to say to a worker that it has ordered, and that is no process yet,
// comes behind the plan of that worker.
func TestWorkersThatAreOrderedAreToldTheirPlanFirst(t *testing.T) {
	needsNursery(t)
	a := startAsked(t, Options{Target: "preloaded", Args: []string{"--preload"}})
	nursery, worker := a.Nurseries(), a.WorkerPIDs()
	if err := syscall.Kill(nursery[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(worker[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "a worker is ordered", func() bool {
		workers := a.state(t).Workers
		return len(workers) == 1 && workers[0].PID == 0 && workers[0].Phase == operator.Starting
	})
	if n := a.state(t).Nurseries; len(n) != 1 || n[0].Ordered != 1 || n[0].Waiting <= 0 {
		t.Errorf("it was ordered from %+v", n)
	}
	if result := a.ask(t, "log-level", "debug"); result.Status != 0 {
		t.Errorf("%+v", result)
	}
	a.Signal(t, syscall.SIGUSR1)
	a.WaitLog(t, "event=log.reopened")
	if err := syscall.Kill(nursery[0], syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	a.Client(t).Get("/prints").Want(t, 200, "printed")
	if log := a.Log(); strings.Contains(log, "event=worker.failed") || !slices.Equal(a.Nurseries(), nursery) {
		t.Errorf("nursery %v is now %v", nursery, a.Nurseries())
	}
}

func TestThreadsOfPreloadedApplicationsAreNamed(t *testing.T) {
	needsNursery(t)
	for _, c := range []struct {
		args      []string
		nurseries int
		answer    string
	}{{[]string{"--preload"}, 0, "running"}, {[]string{"--preload", "--preload-threads"}, 1, "dead"}} {
		s := Start(t, Options{Target: "starts_threads", Args: c.args})
		if n := len(s.Nurseries()); n != c.nurseries {
			t.Errorf("%v: %d nurseries", c.args, n)
		}
		s.Client(t).Get("/").Want(t, 200, c.answer)
		log := s.WaitLog(t, "event=nursery.threads")
		if want := "starts_threads.py:13 in start_pump"; !strings.Contains(log, "pump, started at "+Testapps(want)) {
			t.Errorf("%v: the log does not name the thread and %s", c.args, want)
		}
		if strings.Contains(log, "short") {
			t.Errorf("%v: the log names a thread that has ended", c.args)
		}
	}
}

// They cannot be forked either, or not by us: the pool's threads have to be there
// before they are replaced.
func TestApplicationsOfGreenletsAreNotPreloaded(t *testing.T) {
	needsNursery(t)
	for library := range greenlets {
		s := startGreenlets(t, library, "--preload")
		if n := len(s.Nurseries()); n != 0 {
			t.Errorf("%s: %d nurseries", library, n)
		}
		s.WaitLog(t, "event=nursery.threads threads=\"greenlets in the place of threads, by "+library)
	}
}

// A reload loads anew before it touches anything.
func TestAReloadMakesANewNurseryFirst(t *testing.T) {
	needsNursery(t)
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 2, Threads: 8, More: "preload = true"}})
	b := keepBusy(t, p)
	workers, before := p.Workers(t), nurseries(p.Supervisor(t))
	p.Write(t, "editions.py", "raise ValueError('on purpose')\n")
	b.Signal(t, syscall.SIGHUP, p.LoggedOnceMore("reload.failed"))
	if now := nurseries(p.Supervisor(t)); !slices.Equal(now, before) || !slices.Equal(p.Workers(t), workers) {
		t.Errorf("nursery %v is now %v, workers %v now %v", before, now, workers, p.Workers(t))
	}
	p.Edition(t, 2)
	b.Signal(t, syscall.SIGHUP, p.Replaced(t, 2))
	b.OnlyEdition(t, "2")
	Eventually(t, "the old nursery is gone", func() bool {
		now := nurseries(p.Supervisor(t))
		return len(now) == 1 && now[0] != before[0]
	})
	loaded := p.LoggedOnceMore("application.loaded")
	b.Signal(t, syscall.SIGTTIN, func() bool { return loaded() && len(p.Workers(t)) == 3 })
	b.Finish(t)
	if n := p.Logged("nursery.loaded"); n != 2 {
		t.Errorf("loaded %d times", n)
	}
	if !strings.Contains(p.Log(), "ValueError: on purpose") {
		t.Error("the log does not say why the reload failed")
	}
}

// What can befall an application while it is loaded has the same words with a
// nursery as without.
func TestWhatEndsLoadingHasTheSameWords(t *testing.T) {
	needsNursery(t)
	for name, c := range map[string]struct{ code, says, traceback string }{
		"crash":      {"import ctypes\nctypes.string_at(0)\n", "worker 1 was killed by SIGSEGV (segmentation fault)", "gowsgi: crash: SIGSEGV"},
		"exit":       {"import os\nos._exit(3)\n", "worker 1 exited with status 3 before it had loaded the application", ""},
		"kill":       {"import os\nos.kill(os.getpid(), 9)\n", "worker 1 was killed by SIGKILL", ""},
		"SystemExit": {"raise SystemExit(4)\n", "importing ends raised SystemExit: 4", "SystemExit: 4"},
		"a fork that goes on": {
			"import os\nif os.fork() == 0:\n    raise ValueError('in a child')\nos.wait()\nraise OSError('in the parent')\n",
			"importing ends raised OSError: in the parent", "a forked child returned from the application",
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, filepath.Join(folder, "ends.py"), c.code)
			for _, preload := range []string{"--preload", "--preload=false"} {
				if preload == "--preload=false" && strings.HasPrefix(name, "a fork") {
					continue // such a child is left to itself there
				}
				result := Run(t, Options{Dir: folder}, "-b", freeAddr(t), "--venv", PlainVenv(t), preload, "ends")
				lines := strings.Split(strings.TrimRight(result.Errors, "\n"), "\n")
				if last := lines[len(lines)-1]; result.Status != 1 || !strings.HasPrefix(last, "gowsgi: "+c.says) || !strings.Contains(result.Errors, c.traceback) {
					t.Errorf("%s: status %d:\n%s", preload, result.Status, result.Errors)
				}
			}
		})
	}
}
