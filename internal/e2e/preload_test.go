package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func startPreloaded(t testing.TB, workers int, o Options) *Server {
	t.Helper()
	needsNursery(t)
	o.Target = "preloaded"
	o.Args = append([]string{"--preload", "-w", strconv.Itoa(workers), "--log-level", "debug"}, o.Args...)
	return Start(t, o)
}

// each asks for a path until every worker has answered, and returns the answers
// by process. The first word of an answer is the process id.
func (s *Server) each(t testing.TB, path string, workers int) map[string]string {
	t.Helper()
	answers := map[string]string{}
	Eventually(t, fmt.Sprintf("%d workers answer", workers), func() bool {
		answer := s.Client(t).Get(path)
		pid, rest, _ := strings.Cut(answer.Body, " ")
		answers[pid] = rest
		return answer.Status == 200 && len(answers) >= workers
	})
	return answers
}

func TestPreloadLoadsOnceAndForksTheWorkers(t *testing.T) {
	s := startPreloaded(t, 3, Options{})
	loader := s.Nurseries()
	if len(loader) != 1 {
		t.Fatalf("nurseries: %v", loader)
	}
	for pid, by := range s.each(t, "/", 3) {
		if by != strconv.Itoa(loader[0]) {
			t.Errorf("worker %s has an application that %s loaded", pid, by)
		}
	}
	if n := strings.Count(s.Out(), "loading\n"); n != 1 {
		t.Errorf("loaded %d times", n)
	}
	workers := s.WorkerPIDs()
	if len(workers) != 3 {
		t.Errorf("workers: %v", workers)
	}
	for i, pid := range append(loader, workers...) {
		title, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		want := "gowsgi: worker "
		if i == 0 {
			want = "gowsgi: nursery [preloaded]"
		}
		if text := strings.TrimRight(string(title), "\x00"); !strings.HasPrefix(text, want) || !strings.HasSuffix(text, "[preloaded]") {
			t.Errorf("process %d is shown as %q", pid, text)
		}
	}
	s.Stop(t)
	if left := s.Nurseries(); len(left) > 0 || !gone(loader[0]) {
		t.Errorf("a nursery is left: %d", loader[0])
	}
}

// What a process draws at random must not be what its brother draws.
func TestPreloadedWorkersDrawForThemselves(t *testing.T) {
	const workers = 4
	s := startPreloaded(t, workers, Options{})
	seen := map[string]bool{}
	for _, line := range s.each(t, "/seeds", workers) {
		draws := strings.Fields(line)
		if len(draws) != 7 {
			t.Fatalf("draws: %q", line)
		}
		for _, draw := range draws {
			if seen[draw] {
				t.Errorf("two workers drew %s", draw)
			}
			seen[draw] = true
		}
	}
}

func TestWorkerHooks(t *testing.T) {
	for _, args := range [][]string{{"--preload"}, {}} {
		t.Run(strings.Join(args, ""), func(t *testing.T) {
			if len(args) > 0 {
				needsNursery(t)
			}
			s := Start(t, Options{Target: "preloaded", Args: args})
			pid := s.WorkerPIDs()[0]
			want := fmt.Sprintf("start %d, second", pid)
			if len(args) > 0 || preload {
				want = "before, child, " + want
			}
			s.Client(t).Get("/hooks").Want(t, 200, want)
			s.Client(t).Get("/late").Want(t, 200, want+", late")
			s.Stop(t)
			if log := s.Log(); strings.Count(log, fmt.Sprintf("stop hook %d\n", pid)) != 1 || !strings.Contains(log, "ValueError: on purpose, at the end") {
				t.Error("the hooks for the end were not called, or what one raised is not in the log")
			}
		})
	}
}

func TestWorkerHookThatRaisesEndsTheStart(t *testing.T) {
	for _, args := range [][]string{{"--preload"}, {}} {
		all := append([]string{"-b", freeAddr(t), "--venv", PlainVenv(t)}, args...)
		result := Run(t, Options{Dir: Testapps(), Env: []string{"START_RAISES=1"}}, append(all, "preloaded")...)
		if result.Status != 1 {
			t.Errorf("exit status %d", result.Status)
		}
		checkComplaint(t, result, []string{"gowsgi.on_worker_start", "RuntimeError", "on purpose, in the hook"}, "preloaded.py")
	}
}

// Everything around the application is as without --preload.
func TestPreloadedWorkersAreLikeOthers(t *testing.T) {
	env := []string{"FAULTHANDLER=1", "USR1=1"}
	plain := Start(t, Options{Target: "preloaded", Env: env, Args: []string{"--umask", "027"}})
	s := startPreloaded(t, 1, Options{Env: env, Args: []string{"--umask", "027"}})
	for _, path := range []string{"/argv", "/signals"} {
		s.Client(t).Get(path).Want(t, 200, plain.Client(t).Get(path).Body)
	}
}

func TestRequestTimeoutInPreloadedWorkers(t *testing.T) {
	s := startPreloaded(t, 1, Options{Args: []string{"--timeout", "0.5"}})
	if answer := s.Client(t).Get("/sleeps"); answer.Status != 504 {
		t.Errorf("%+v", answer)
	}
	s.WaitLog(t, "interrupted")
}

func TestCapturedOutputOfPreloadedApplications(t *testing.T) {
	s := startPreloaded(t, 1, Options{Args: []string{"--capture-output"}})
	s.WaitLog(t, "msg=loading event=application.output stream=stdout")
	s.Client(t).Get("/prints").Want(t, 200, "printed")
	s.WaitLog(t, `msg="printed in a request" worker=1 event=application.output stream=stdout method=GET uri=/prints`)
}

func TestDjangosConnectionsAreClosedBeforeTheFork(t *testing.T) {
	needsNursery(t)
	s := Start(t, Options{
		Target: "preloaded_django", Venv: Venv(t, "django_site"), Args: []string{"--preload", "-w", "2"},
		Env: []string{"SITE_DATABASE=" + filepath.Join(t.TempDir(), "db")},
	})
	Parallel(t, 20, func(t testing.TB, _ int) {
		s.Client(t).Get("/").Want(t, 200, "closed 1")
	})
}

// A worker takes the place of another a thousand times, and nobody notices.
func TestAThousandRecyclingsLoseNothing(t *testing.T) {
	needsNursery(t)
	const recyclings = 1000
	p := startProject(t, ProjectOptions{
		Unix: true, Args: []string{"--max-requests", "20"},
		Settings: Settings{Workers: 2, Threads: 8, More: "preload = true"},
	})
	nursery := nurseries(p.Supervisor(t))
	b := keepBusy(t, p)
	for done := 0; done < recyclings; {
		done += 50
		b.Event(t, fmt.Sprintf("%d recyclings", done), func() {}, func() bool { return p.Logged("worker.replacing") >= done })
	}
	b.Finish(t)
	logReadiness(t, p.Log())
	if p.Logged("nursery.loaded") != 1 || p.Logged("worker.died") > 0 || len(nursery) != 1 {
		t.Error("the application was loaded again, or a worker died")
	}
}

// logReadiness says how long workers took from the order to when they were ready.
func logReadiness(t testing.TB, log string) {
	var took []float64
	for _, line := range regexp.MustCompile(`event=application\.loaded .*ready_seconds=(\S+)`).FindAllStringSubmatch(log, -1) {
		seconds, err := strconv.ParseFloat(line[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		took = append(took, seconds)
	}
	slices.Sort(took)
	n := len(took)
	t.Logf("%d workers were ready after %.0f ms (median), %.0f ms (one in a hundred took longer), %.0f ms (the slowest)",
		n, 1000*took[n/2], 1000*took[n*99/100], 1000*took[n-1])
}

// pss is the memory of processes in bytes; what they share counts once.
func pss(t testing.TB, pids ...int) (bytes int64) {
	t.Helper()
	for _, pid := range pids {
		bytes += rollup(t, pid, "Pss:")
	}
	return bytes
}

// Four workers, after requests to all of them, have less than without.
func TestPreloadedWorkersShareMemory(t *testing.T) {
	needsNursery(t)
	for _, c := range []struct {
		name  string
		start func(t *testing.T, args ...string) *Server
		path  string
		most  float64 // of what it takes without
	}{
		{"much data", func(t *testing.T, args ...string) *Server {
			folder := t.TempDir()
			write(t, filepath.Join(folder, "heavy.py"), "WORDS = ['word number %d' % number for number in range(500_000)]\n"+
				"def application(environ, start_response):\n    start_response('200 OK', [])\n    return [WORDS[5].encode()]\n")
			return Start(t, Options{Target: "heavy", Dir: folder, Args: args})
		}, "/", 0.5},
		{"a small Django site", func(t *testing.T, args ...string) *Server {
			return Start(t, Options{Target: "django_page", Dir: filepath.Join(checkout(), "bench", "apps"), Venv: Venv(t, "django_site"), Args: args})
		}, "/", 0.75},
		{"a Django site with a database that has answered while it was loaded", func(t *testing.T, args ...string) *Server {
			s, folder := newDjango(t), t.TempDir()
			write(t, filepath.Join(folder, "answered.py"), "from wsgiref.util import setup_testing_defaults\nfrom mysite.wsgi import application\n"+
				"environ = {'HTTP_HOST': 'localhost'}\nsetup_testing_defaults(environ)\napplication(environ, lambda status, headers: None).close()\n")
			args = append(args, "--chdir", Testapps("django_site"), "--pythonpath", folder+","+Testapps())
			return Start(t, Options{Target: "answered", Venv: s.venv, Env: s.env(), Args: args})
		}, "/", 0.75},
	} {
		t.Run(c.name, func(t *testing.T) {
			measure := func(args ...string) int64 {
				s := c.start(t, append([]string{"-w", "4"}, args...)...)
				defer s.Stop(t)
				Parallel(t, 16, func(t testing.TB, _ int) {
					for range 100 {
						if answer := s.Client(t).Get(c.path); answer.Status != 200 {
							t.Fatalf("%+v", answer)
						}
					}
				})
				return pss(t, append(s.WorkerPIDs(), s.Nurseries()...)...)
			}
			without, with := measure("--preload=false"), measure("--preload")
			t.Logf("%d MB instead of %d, %.2f", with>>20, without>>20, float64(with)/float64(without))
			if float64(with) > c.most*float64(without) {
				t.Errorf("%d bytes with --preload, %d without", with, without)
			}
		})
	}
}
