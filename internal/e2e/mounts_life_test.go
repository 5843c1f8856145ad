package e2e

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var pidPart = regexp.MustCompile(` pid=(\d+)$`)

// pidOf is the worker that an answer of testapps/mounted.py is from.
func pidOf(t testing.TB, r RawResponse) int {
	t.Helper()
	found := pidPart.FindStringSubmatch(r.Body)
	if found == nil {
		t.Fatalf("no answer of ours: %+v", r)
	}
	pid, _ := strconv.Atoi(found[1])
	return pid
}

// Workers come and go, in each way that there is, and all applications are there
// before and after.
func TestMountsSurviveTheirWorkers(t *testing.T) {
	for name, args := range map[string][]string{"": nil, "preload": {"--preload"}, "max-requests": {"--max-requests", "20"}} {
		t.Run(cmp.Or(name, "plain"), func(t *testing.T) {
			if name == "preload" {
				needsNursery(t)
			}
			s := Start(t, Options{Target: "mounted:application", Args: slices.Concat(args, []string{"-w", "2"}, manyMounts)})
			places := []place{{"x", "/x", "main 1 "}, {"x", "/api/x", "api 2 "}, {"x", "/api/v2", "v2 3 "}, {"shop.example", "/", "shop 5 "}}
			seen := map[int]bool{}
			all := func() {
				for _, p := range places {
					r := p.ask(t, s)
					if !strings.HasPrefix(r.Body, p.want) {
						t.Fatalf("%s: %+v", p.target, r)
					}
					seen[pidOf(t, r)] = true
				}
			}
			all()
			if name != "max-requests" {
				s.Signal(t, syscall.SIGHUP)
				s.WaitLog(t, "event=reload.done")
			}
			Eventually(t, "four workers were seen", func() bool { all(); return len(seen) >= 4 || name != "max-requests" && len(seen) >= 3 })
			all()
		})
	}
}

// A reload takes mounts away and brings others, and one that cannot be loaded leaves
// all as they were.
func TestAReloadHasOtherMounts(t *testing.T) {
	for _, args := range [][]string{nil, {"--preload"}} {
		t.Run(strings.Join(args, ""), func(t *testing.T) {
			if args != nil {
				needsNursery(t)
			}
			config := filepath.Join(t.TempDir(), "c.toml")
			metrics := freeAddr(t)
			write(t, config, "[[mount]]\npath = '/a'\ntarget = \"mounted:make('a')\"\n")
			s := Start(t, Options{Target: "mounted:application", Args: append([]string{"-c", config, "--metrics", metrics}, args...)})
			place{"x", "/a/x", "a 2 script=/a "}.check(t, s)
			write(t, config, "[[mount]]\npath = '/b'\ntarget = \"mounted:make('b')\"\n[[mount]]\npath = '/c'\ntarget = \"mounted:make('c')\"\nthreads = 1\n")
			before := s.WorkerPIDs()
			s.Signal(t, syscall.SIGHUP)
			s.WaitLog(t, "event=reload.done")
			Eventually(t, "the old worker is gone", func() bool { // it answers what it has accepted
				return !slices.ContainsFunc(before, func(pid int) bool { return syscall.Kill(pid, 0) == nil })
			})
			place{"x", "/a/x", "main 1 script= path=/a/x "}.check(t, s)
			place{"x", "/b/x", "b 2 script=/b "}.check(t, s)
			place{"x", "/c/x", "c 3 script=/c "}.check(t, s)
			write(t, config, "[[mount]]\npath = '/d'\ntarget = 'mounted:broken()'\n")
			s.Signal(t, syscall.SIGHUP)
			if log := s.WaitLog(t, "event=reload.failed"); !strings.Contains(log, "mount /d: calling broken() raised ValueError") {
				t.Error("the log does not say which mount it was")
			}
			place{"x", "/b/x", "b 2 script=/b "}.check(t, s)
			write(t, config, "[[mount]]\npath = '/a'\ntarget = 'x'\n[[mount]]\npath = '/a'\ntarget = 'y'\n")
			s.Signal(t, syscall.SIGHUP)
			s.WaitLog(t, "are both at /a")
			place{"x", "/c/x", "c 3 script=/c "}.check(t, s)
			// What is counted stays counted, also what is not served any more.
			Eventually(t, "each mount has its requests", func() bool {
				values := scrape(t, metrics)
				count := func(mount string) float64 {
					return values[`gowsgi_requests_total{mount="`+mount+`",method="GET",status="2xx"}`]
				}
				return count("/") == 1 && count("/a") == 1 && count("/b") == 2 && count("/c") == 2
			})
		})
	}
}

// Whoever changes a file of any of them sees it at once, and what is wrong with it.
func TestReloadWatchesAllMounts(t *testing.T) {
	folder := t.TempDir()
	app := func(text string) string {
		return "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'" + text + "']\n"
	}
	write(t, filepath.Join(folder, "home.py"), app("home"))
	write(t, filepath.Join(folder, "api.py"), app("api"))
	s := Start(t, Options{Target: "home", Dir: folder, Args: []string{"--reload", "--mount", "/api=api"}})
	c := s.Client(t)
	c.Get("/").Want(t, 200, "home")
	c.Get("/api").Want(t, 200, "api")
	write(t, filepath.Join(folder, "api.py"), app("another api"))
	Eventually(t, "it is loaded anew", func() bool { return c.Get("/api").Body == "another api" })
	write(t, filepath.Join(folder, "api.py"), "1 / 0\n"+app("x"))
	Eventually(t, "its mistake is shown", func() bool { return strings.Contains(c.Get("/api").Body, "ZeroDivisionError") })
	write(t, filepath.Join(folder, "api.py"), app("mended"))
	Eventually(t, "it is mended", func() bool { return c.Get("/api").Body == "mended" })
	c.Get("/").Want(t, 200, "home")
}
