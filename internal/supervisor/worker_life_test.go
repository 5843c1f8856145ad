package supervisor

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gowsgi/gowsgi/internal/control"
)

func TestWorkerGetsItsPlanSocketsAndEnvironment(t *testing.T) {
	t.Setenv("LOADED", "/users/own")
	t.Setenv("GOMAXPROCS", "")
	s := settings(2, "COLOUR=red", "PATH=/changed")
	s.Chdir = t.TempDir()
	s.Bind = []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "s")}
	p := started(t, s)
	for n := range 2 {
		got := p.seen(p.address(n + 1))
		if !strings.HasPrefix(got.Args[0], "gowsgi: worker ") || !strings.HasSuffix(got.Args[0], " [x:app]") {
			t.Errorf("title %q", got.Args[0])
		}
		if got.Dir != s.Chdir {
			t.Errorf("working directory %s, want %s", got.Dir, s.Chdir)
		}
		for _, want := range []string{
			"COLOUR=red", "PATH=/changed", "PWD=" + s.Chdir, "GOMAXPROCS=1",
			"LOADED=/opt/worker:/users/own",
		} {
			if !slices.Contains(got.Env, want) {
				t.Errorf("environment lacks %s: %q", want, got.Env)
			}
		}
		if own := got.Plan.Restore["LOADED"]; own == nil || *own != "/users/own" {
			t.Errorf("the user's LOADED is %v in the plan", own)
		}
		if got.Plan.Worker < 1 || got.Plan.Worker > 2 || got.Plan.Settings.Target != "x:app" || got.Plan.Python.Name != "3.11" {
			t.Errorf("plan %+v", got.Plan)
		}
		want := []control.Listener{
			{FD: 4, Network: "tcp", Address: p.address(1)},
			{FD: 5, Network: "unix", Address: strings.TrimPrefix(p.address(2), "unix:")},
		}
		if !slices.Equal(got.Plan.Listeners, want) {
			t.Errorf("listeners %+v, want %+v", got.Plan.Listeners, want)
		}
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestUsersOwnEnvironmentHolds(t *testing.T) {
	for _, c := range []struct {
		name          string
		env           []string // of --env
		own           string   // LOADED before; "-" is unset
		loaded, procs string
		back          *string
	}{
		{"unset", nil, "-", "/opt/worker", "1", nil},
		{"empty", nil, "", "/opt/worker", "1", new("")},
		{"by --env", []string{"LOADED=/x", "GOMAXPROCS=7"}, "/y", "/opt/worker:/x", "7", new("/x")},
	} {
		t.Run(c.name, func(t *testing.T) {
			environ := []string{"HOME=/"}
			if c.own != "-" {
				environ = append(environ, "LOADED="+c.own)
			}
			env, restore := environment(environ, []string{loaded}, Options{Deployment: Deployment{
				Settings: settings(1000, c.env...),
			}})
			value, _ := lookup(env, "LOADED")
			procs, _ := lookup(env, "GOMAXPROCS")
			if value != c.loaded || procs != c.procs {
				t.Errorf("LOADED=%s GOMAXPROCS=%s, want %s and %s", value, procs, c.loaded, c.procs)
			}
			back := restore["LOADED"]
			if (back == nil) != (c.back == nil) || back != nil && *back != *c.back {
				t.Errorf("the user's own is %v, want %v", back, c.back)
			}
		})
	}
}

func TestKilledWorkerIsReplacedWhileTheOthersServe(t *testing.T) {
	p := started(t, settings(2))
	address := p.address(1)
	victim := p.seen(address)
	pid, survivor := p.begin()
	for pid == victim.PID {
		pid, survivor = p.begin()
	}
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.waitLog(`event=worker.died worker=` + strconv.Itoa(victim.Plan.Worker) + ` pid=` + strconv.Itoa(victim.PID) +
		` cause="was killed by SIGKILL (somebody's kill -9: the kernel's OOM killer has killed nobody)"`)
	p.waitLogs("event=application.loaded", 3)
	p.eventually("the new worker answers, in the old one's place", func() bool {
		s := p.seen(address)
		return s.PID != victim.PID && s.Plan.Worker == victim.Plan.Worker
	})
	p.signal(syscall.SIGTERM)
	if rest := <-survivor; rest != "done\n" {
		t.Errorf("the other worker's request ended with %q", rest)
	}
	p.stops()
}

func TestReplacingAWorkerLeavesTheOthersSocketsNonBlocking(t *testing.T) {
	p := started(t, settings(2))
	address := p.address(1)
	victim := p.seen(address)
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.waitLogs("event=application.loaded", 3)
	for range 20 {
		if s := p.seen(address); !slices.Equal(s.NonBlocking, []bool{true}) {
			t.Fatalf("worker %d has non-blocking sockets: %v", s.Plan.Worker, s.NonBlocking)
		}
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestWorkerThatKeepsDyingAtStartIsTriedLessAndLessOften(t *testing.T) {
	way := filepath.Join(t.TempDir(), "way")
	p := started(t, settings(1, behaveFile+"="+way))
	if err := os.WriteFile(way, []byte(fails), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.seen(p.address(1)).PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.waitLog("event=worker.delayed worker=1 wait_seconds=1")
	p.waitLog("event=worker.delayed worker=1 wait_seconds=2")
	if err := os.Remove(way); err != nil {
		t.Fatal(err)
	}
	p.waitLogs("event=application.loaded", 2)
	log := p.log.String()
	for _, want := range []string{
		`event=worker.failed worker=1 reason="the application x:app cannot be imported"`,
		"\n  Traceback (most recent call last):\n    File \"x.py\", line 1\n  KeyError: 'x'\ntime=",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("log does not say %s", want)
		}
	}
	p.seen(p.address(1))
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestWorkersThatRequestsKillAreReplacedAtOnceForEver(t *testing.T) {
	for _, workers := range []int{1, 2} {
		s := settings(workers)
		s.StartLimit = 3
		p := started(t, s)
		for n := range 10 {
			if response, err := p.get("/die"); err == nil {
				response.Body.Close()
				t.Error("a worker that died has answered")
			}
			p.waitLogs(" running=\"GET /die (", n+1)
			// The workers of these tests listen before they are told to.
			p.waitLogs("event=application.loaded", workers+n+1)
		}
		p.seen(p.address(1))
		if log := p.log.String(); strings.Contains(log, "event=worker.delayed") {
			t.Error("a worker was not replaced at once")
		}
		p.signal(syscall.SIGTERM)
		p.stops()
	}
}

func TestWorkersThatEndAtOnceTakePausesAndNothingElse(t *testing.T) {
	way := filepath.Join(t.TempDir(), "way")
	s := settings(2, behaveFile+"="+way)
	s.StartLimit = 2
	p := started(t, s)
	if err := os.WriteFile(way, []byte(flaps), 0o600); err != nil {
		t.Fatal(err)
	}
	victim := p.seen(p.address(1))
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.waitLog("event=worker.delayed worker=" + strconv.Itoa(victim.Plan.Worker) + " wait_seconds=1")
	p.waitLog("event=worker.delayed worker=" + strconv.Itoa(victim.Plan.Worker) + " wait_seconds=2")
	if other := p.seen(p.address(1)); other.Plan.Worker == victim.Plan.Worker {
		t.Error("the other worker does not serve")
	}
	if err := os.Remove(way); err != nil {
		t.Fatal(err)
	}
	p.eventually("the slot is filled", func() bool { return p.seen(p.address(1)).Plan.Worker == victim.Plan.Worker })
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestPausesGrowToHalfAMinute(t *testing.T) {
	var seconds []int
	for failures := range 9 {
		seconds = append(seconds, int(pause(failures).Seconds()))
	}
	if want := []int{0, 0, 1, 2, 4, 8, 16, 30, 30}; !slices.Equal(seconds, want) || pause(1000).Seconds() != 30 {
		t.Errorf("pauses %v, want %v; at last %v", seconds, want, pause(1000))
	}
}

func TestDeathIsNoticedAlthoughAChildOfTheWorkerHoldsTheControlSocket(t *testing.T) {
	p := started(t, settings(1, behave+"="+litters))
	if err := syscall.Kill(p.seen(p.address(1)).PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.waitLogs("event=application.loaded", 2)
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestWorkersStopWhenTheSupervisorIsKilled(t *testing.T) {
	p := started(t, settings(2))
	pid, rest := p.begin()
	p.signal(syscall.SIGKILL)
	p.wait()
	if text := <-rest; text != "done\n" {
		t.Errorf("the request that was running ended with %q", text)
	}
	p.eventually("the worker is gone", func() bool { return syscall.Kill(pid, 0) != nil })
}

func TestWorkerThatCannotStartEndsItAll(t *testing.T) {
	for way, says := range map[string]string{
		fails:     "the application x:app cannot be imported",
		secondBad: "the application x:app cannot be imported",
		exits:     "exited with status 3 before it had loaded the application",
		crashes:   "was killed by SIGSEGV (segmentation fault) before it had loaded the application",
	} {
		t.Run(way, func(t *testing.T) {
			s := settings(3, behave+"="+way)
			s.Pid = filepath.Join(t.TempDir(), "pid")
			p := start(t, s)
			p.fails(says)
			log := p.log.String()
			if strings.Contains(log, "event=gowsgi.ready") || strings.Contains(log, "worker.delayed") || strings.Contains(log, "goroutine") {
				t.Error("it went on, or shows a stack")
			}
			if says == "the application x:app cannot be imported" &&
				!strings.Contains(log, "\nTraceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'x'\ngowsgi: ") {
				t.Error("no traceback before the last line")
			}
			if _, err := os.Stat(s.Pid); err == nil {
				t.Error("a pid file is left")
			}
			p.eventually("no worker is left", func() bool { return syscall.Kill(-p.cmd.Process.Pid, 0) != nil })
		})
	}
}
