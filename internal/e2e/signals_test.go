package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A reload that fails changes nothing, and says why with the traceback.
func TestAReloadOfABrokenApplicationKeepsTheOldOne(t *testing.T) {
	for _, workers := range []int{1, 2} {
		for name, broken := range map[string]struct{ code, traceback string }{
			"syntax error":    {"def application(environ, start_response):\n    return [\n", "SyntaxError"},
			"exception":       {"import edition_part\nraise KeyError('no such region')\n", "no such region"},
			"no callable":     {"import edition_part\n", ""},
			"module is lost":  {"import no_such_part\n", "No module named 'no_such_part'"},
			"ends by itself":  {"import os\nos._exit(3)\n", ""},
			"kills its start": {"import os\nos.kill(os.getpid(), 9)\n", ""},
		} {
			t.Run(fmt.Sprintf("%s, %d workers", name, workers), func(t *testing.T) {
				p := startProject(t, ProjectOptions{Settings: Settings{Workers: workers}})
				before := p.Workers(t)
				p.Write(t, "editions.py", broken.code)
				p.Send(t, syscall.SIGHUP)
				log := p.WaitLog(t, "event=reload.failed")
				if !strings.Contains(log, broken.traceback) || broken.traceback != "" && !strings.Contains(log, `editions.py", line`) {
					t.Errorf("the log does not show where the %s is", name)
				}
				if now := p.Workers(t); !slices.Equal(now, before) || p.Answer(t) != "1" {
					t.Errorf("edition %s, workers %v; before: %v", p.Answer(t), now, before)
				}
				p.Edition(t, 2)
				replaced := p.Replaced(t, workers)
				p.Send(t, syscall.SIGHUP)
				Eventually(t, "the mended application is served", replaced)
				if edition := p.Answer(t); edition != "2" {
					t.Errorf("edition %s", edition)
				}
			})
		}
	}
}

// Several SIGHUPs at once end with the newest code.
func TestReloadsInAQuickRow(t *testing.T) {
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 2}})
	p.Send(t, syscall.SIGHUP)
	p.WaitLog(t, "event=worker.replacing") // so the settings of the first are read
	replaced := p.Replaced(t, 2)
	for range 3 {
		p.Send(t, syscall.SIGHUP)
	}
	p.Edition(t, 2)
	p.Send(t, syscall.SIGHUP)
	Eventually(t, "all are replaced, by the newest code", func() bool { return replaced() && p.Answer(t) == "2" })
	if p.Logged("reload.failed") > 0 || p.Logged("worker.died") > 0 {
		t.Error("something failed")
	}
}

// What the new settings say holds after SIGHUP.
func TestAReloadTakesNewSettings(t *testing.T) {
	p := prepareProject(t)
	p.Write(t, "editions.py", `import os
from contract import plain

def application(environ, start_response):
    return plain(start_response, "%s %s %s" % (environ["wsgi.multithread"], environ["wsgi.multiprocess"], os.environ.get("COLOUR")))
`)
	p.serve(t, ProjectOptions{Settings: Settings{Workers: 1, Threads: 1, More: `env = ["COLOUR=red"]`}})
	ask := func(network, address string) string {
		t.Helper()
		c := Dial(t, &Server{network: network, Addr: address})
		defer c.Close()
		return c.Get("/").Body
	}
	reload := func(workers int, settings Settings) {
		t.Helper()
		p.Configure(t, settings)
		replaced, done := p.Replaced(t, workers), p.LoggedOnceMore("reload.done")
		p.Send(t, syscall.SIGHUP)
		Eventually(t, "reloaded", func() bool { return replaced() && done() })
	}
	if got := ask("tcp", p.Addr); got != "False False red" {
		t.Fatal(got)
	}

	socket, second := filepath.Join(p.folder, "second"), freeAddr(t)
	reload(3, Settings{Workers: 3, Threads: 2, Bind: []string{"unix:" + socket, second}, More: `env = ["COLOUR=blue"]`})
	for network, address := range map[string]string{"tcp": p.Addr, "tcp4": second, "unix": socket} {
		if got := ask(network, address); got != "True True blue" {
			t.Errorf("%s: %s", address, got)
		}
	}

	reload(1, Settings{Workers: 1, Threads: 1, Unbound: true, Bind: []string{second}})
	if got := ask("tcp", second); got != "False False None" {
		t.Error(got)
	}
	if conn, err := net.Dial("tcp", p.Addr); err == nil {
		conn.Close()
		t.Errorf("%s is still bound", p.Addr)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the unix socket's file is left")
	}
}

// An address that cannot be had, or settings that are no settings, leave
// everything as it was.
func TestAReloadOfBrokenSettingsKeepsTheOldOnes(t *testing.T) {
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 2}})
	before := p.Workers(t)
	for _, c := range []struct {
		settings Settings
		says     string
	}{
		{Settings{More: "thread = 7"}, "thread"},
		{Settings{More: "timeout = 'soon'\nkeep_alive = 'long'"}, "keep_alive"},
		{Settings{Bind: []string{"unix:/nonexistent/socket"}}, "/nonexistent/socket"},
		{Settings{Bind: []string{occupied.Addr().String()}}, occupied.Addr().String()},
	} {
		failed, before := p.LoggedOnceMore("reload.failed"), len(p.Log())
		p.Configure(t, c.settings)
		p.Send(t, syscall.SIGHUP)
		Eventually(t, "the reload has failed", failed)
		if log := p.Log()[before:]; !strings.Contains(log, c.says) {
			t.Errorf("the log does not speak of %s: %s", c.says, log)
		}
	}
	if now := p.Workers(t); !slices.Equal(now, before) || p.Answer(t) != "1" {
		t.Errorf("workers %v; before: %v", now, before)
	}
	p.Configure(t, Settings{Workers: 2}) // for the end
}

// A new worker serves only after the answer to --warmup.
func TestWarmup(t *testing.T) {
	const app = `from contract import plain

def application(environ, start_response):
    healthy = environ["PATH_INFO"] != "/healthz" or environ["QUERY_STRING"] == "deep=%[1]d"
    return plain(start_response, "edition %[1]d", "200 OK" if healthy else "500 Internal Server Error")
# %[2]s
`
	edition := func(p *Project, n int) { p.Write(t, "editions.py", fmt.Sprintf(app, n, strings.Repeat("#", n))) }
	warmup := []string{"--warmup", "/healthz?deep=1"}
	p := prepareProject(t)
	edition(p, 1)
	p.serve(t, ProjectOptions{Settings: Settings{Workers: 2}, Args: warmup})
	before := p.Workers(t)
	edition(p, 2) // not healthy
	p.Send(t, syscall.SIGHUP)
	if log := p.WaitLog(t, "event=reload.failed"); !strings.Contains(log, "/healthz?deep=1") || !strings.Contains(log, "500") {
		t.Error("the log does not say which path answered what")
	}
	if now := p.Workers(t); !slices.Equal(now, before) {
		t.Errorf("workers %v; before: %v", now, before)
	}
	p.Client(t).Get("/").Want(t, 200, "edition 1")

	result := Run(t, Options{}, append(warmup, "-c", p.settingsFile(), "-b", freeAddr(t), "-p", "", "--venv", PlainVenv(t), "editions")...)
	if result.Status != 1 || !strings.Contains(result.Errors, "/healthz?deep=1") {
		t.Errorf("a first start that is not healthy: status %d\n%s", result.Status, result.Errors)
	}
}

// SIGUSR2 hands over to a new gowsgi, or not at all.
func TestUpgradeIsRolledBack(t *testing.T) {
	p := startProject(t, ProjectOptions{Unix: true, Settings: Settings{Workers: 2}, Args: []string{eachLoads}})
	supervisor, workers := p.Supervisor(t), p.Workers(t)
	sameAsBefore := func(why string) {
		t.Helper()
		Eventually(t, "nothing is left of the gowsgi that failed", func() bool {
			return slices.Equal(p.Workers(t), workers) && p.Supervisor(t) == supervisor
		})
		if edition := p.Answer(t); edition != "1" {
			t.Errorf("%s: edition %s answers", why, edition)
		}
	}
	upgrade := func(why string, breaks func()) {
		t.Helper()
		breaks()
		failed := p.LoggedOnceMore("upgrade.failed")
		p.Send(t, syscall.SIGUSR2)
		Eventually(t, "the upgrade has failed: "+why, failed)
		sameAsBefore(why)
	}
	upgrade("settings", func() { p.Configure(t, Settings{More: "thread = 7"}) })
	upgrade("an application that cannot be imported", func() {
		p.Configure(t, Settings{Workers: 2})
		p.Write(t, "editions.py", "import no_such_part\n")
	})
	upgrade("an application that dies", func() { p.Write(t, "editions.py", "import os\nos._exit(3)\n") })
	upgrade("an application that only one worker can load", func() {
		p.Write(t, "editions.py", `import os
from lossless import answer

os.open("loaded", os.O_CREAT | os.O_EXCL)


def application(environ, start_response):
    return answer(environ, start_response, "1")
`)
	})

	p.Edition(t, 2)
	succeeded := p.Succeeded(t, 2)
	p.Send(t, syscall.SIGUSR2)
	Eventually(t, "the upgrade is done", succeeded)
	if edition := p.Answer(t); edition != "2" || p.Logged("upgrade.done") != 1 {
		t.Errorf("edition %s answers", edition)
	}
	if status := p.cmd.ProcessState.ExitCode(); status != 0 {
		t.Errorf("the old gowsgi exited with %d", status)
	}
}

// Who has no time to drain leaves the sockets to those that go on.
func TestQuickEndsLeaveTheSocketsToOthers(t *testing.T) {
	for _, unix := range []bool{false, true} {
		p := startProject(t, ProjectOptions{Unix: unix, Settings: Settings{Workers: 2, More: "graceful_timeout = 0"}})
		succeeded := p.Succeeded(t, 2)
		p.Send(t, syscall.SIGUSR2)
		Eventually(t, "the upgrade is done", succeeded)
		p.Answer(t)
		for _, worker := range p.Workers(t) {
			loaded := p.LoggedOnceMore("application.loaded")
			if err := syscall.Kill(worker, syscall.SIGQUIT); err != nil {
				t.Fatal(err)
			}
			Eventually(t, "another worker has come for the one that was told to quit", loaded)
			p.Answer(t)
		}
	}
}

// SIGTERM lets what runs finish; SIGINT does not wait for it for long, the
// others and a second SIGINT not at all.
func TestStops(t *testing.T) {
	for name, c := range map[string]struct {
		signals  []syscall.Signal
		finishes bool
	}{
		"TERM":      {[]syscall.Signal{syscall.SIGTERM}, true},
		"TERM TERM": {[]syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, true},
		"QUIT":      {[]syscall.Signal{syscall.SIGQUIT}, false},
		"INT":       {[]syscall.Signal{syscall.SIGINT}, false},
		"INT INT":   {[]syscall.Signal{syscall.SIGINT, syscall.SIGINT}, false},
		"TERM QUIT": {[]syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT}, false},
		"TERM INT":  {[]syscall.Signal{syscall.SIGTERM, syscall.SIGINT}, false},
	} {
		t.Run(name, func(t *testing.T) {
			// Whoever waits for the request to finish waits longer than the test.
			s := startContract(t, "pool_threads", modes[2], "--graceful-timeout", "1000")
			gate, key := s.Gate(t), s.Key()
			running, beside := sameWorker(t, s)
			running.Send("GET /wait?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
			s.WaitNotes(t, key, "called")
			workers := s.WorkerPIDs()
			for i, signal := range c.signals {
				s.Signal(t, signal)
				if i == 0 && len(c.signals) > 1 {
					s.WaitLog(t, "event=gowsgi.stopping")
				}
			}
			Eventually(t, "nobody listens any more", func() bool {
				conn, err := net.Dial(s.network, s.Addr)
				if err == nil {
					conn.Close()
				}
				return err != nil
			})
			if c.finishes {
				beside.Closed() // its worker knows, too: the other one may have given the sockets up
				gate.Open(1)
				response := running.Response("GET")
				if response.Status != 200 || !strings.EqualFold(response.Value("Connection"), "close") {
					t.Errorf("the request that was running: %+v", response)
				}
				running.Closed()
			} else if rest, _ := io.ReadAll(running.r); len(rest) > 0 {
				t.Errorf("the request that was running got %q", rest)
			}
			if status := s.Wait(t); status != 0 {
				t.Errorf("exit status %d", status)
			}
			for _, pid := range workers {
				if !gone(pid) {
					t.Errorf("worker %d is left", pid)
				}
			}
			if !strings.Contains(s.Log(), "event=gowsgi.stopped") {
				t.Error("the log has no gowsgi.stopped")
			}
			const cut = `than SIGINT leaves of graceful_timeout; SIGTERM leaves all of it" worker=`
			const limits = "event=worker.cut_off timeout_seconds=5 graceful_timeout_seconds=1000 "
			if name == "INT" && (!strings.Contains(s.Log(), cut) || !strings.Contains(s.Log(), limits)) {
				t.Error("the log does not say which limit it was")
			}
			const told = `as after SIGQUIT or a second SIGINT; SIGTERM leaves them graceful_timeout" worker=`
			if at := strings.Index(s.Log(), told); name != "INT" && !c.finishes && (at < 0 || !strings.Contains(s.Log()[at:], `running="GET /wait?`)) {
				t.Error("the log does not say what was cut off")
			}
		})
	}
}

// sameWorker is two connections that one worker has. The server is pool_threads.
func sameWorker(t *testing.T, s Contract) (one, other *Conn) {
	t.Helper()
	worker := func(c *Conn) int {
		var seen struct{ Process int }
		if err := json.Unmarshal([]byte(c.Get("/").Body), &seen); err != nil {
			t.Fatal(err)
		}
		return seen.Process
	}
	one = Dial(t, s.Server)
	pid := worker(one)
	Eventually(t, "the same worker has another connection", func() bool {
		other = Dial(t, s.Server)
		return worker(other) == pid
	})
	return one, other
}

// A worker that cannot be started any more ends the program rather than being
// tried for ever.
func TestStartLimit(t *testing.T) {
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 1}, Args: []string{eachLoads, "--start-limit", "3"}})
	p.Write(t, "editions.py", fmt.Sprintf("import os\nopen(%q, 'a').write('x')\nos._exit(3)\n", filepath.Join(p.folder, "starts")))
	if err := syscall.Kill(p.Workers(t)[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if status := p.Wait(t); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	starts, err := os.ReadFile(filepath.Join(p.folder, "starts"))
	// The first one, which was killed, counts if it had not been ready for long.
	if err != nil || len(starts) < 2 || len(starts) > 3 {
		t.Errorf("started %d times, %v", len(starts), err)
	}
	lines := strings.Split(strings.TrimSpace(p.Log()), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "gowsgi: ") || !strings.Contains(last, "exited with status 3") || !strings.Contains(last, "start") {
		t.Errorf("the last line is no reason: %s", last)
	}
	if p.Logged("worker.delayed") == 0 {
		t.Error("no pause between the attempts")
	}
	if _, err := os.Stat(p.pidFile); err == nil {
		t.Error("the pid file is left")
	}
}
