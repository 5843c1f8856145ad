package supervisor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
)

// writeReload makes s what the next reload finds.
func writeReload(t *testing.T, path string, s config.Settings) {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil { // whole, or not yet
		t.Fatal(err)
	}
}

// reloadable starts a supervisor whose reloads read the file that it returns.
func reloadable(t *testing.T, s config.Settings) (p *process, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "settings")
	t.Setenv(reloadFile, path)
	return started(t, s), path
}

func TestReloadReplacesAllWorkersAndLosesNoRequest(t *testing.T) {
	s := settings(2)
	p, path := reloadable(t, s)
	before, rest := p.begin()
	s.Threads = 5
	writeReload(t, path, s)
	p.signal(syscall.SIGHUP)
	p.waitLog("event=reload.done workers=2")
	if text := <-rest; text != "done\n" {
		t.Errorf("a request ended with %q", text)
	}
	p.waitLogs("event=worker.stopped", 2)
	for range 10 {
		if now := p.seen(p.address(1)); now.PID == before || now.Plan.Settings.Threads != 5 {
			t.Errorf("worker %d has %d threads; before it was %d", now.PID, now.Plan.Settings.Threads, before)
		}
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestLogsAreGivenToTheWorkersThatThereAre(t *testing.T) {
	s := settings(1)
	p, path := reloadable(t, s)
	handed := func(threads, times int) {
		t.Helper()
		p.waitLogs("logs handed to those with threads="+strconv.Itoa(threads)+"\n", times)
	}
	p.signal(syscall.SIGUSR1)
	handed(8, 1)
	s.Threads = 3
	s.Env = []string{behave + "=" + fails}
	writeReload(t, path, s)
	p.signal(syscall.SIGHUP)
	p.waitLog("event=reload.failed")
	handed(3, 1)
	handed(8, 2) // back
	s.Threads, s.Env = 5, nil
	writeReload(t, path, s)
	p.signal(syscall.SIGHUP)
	p.waitLog("event=reload.done")
	p.signal(syscall.SIGUSR1)
	handed(5, 2)
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestReloadThatMendsTheWorkerDoesNotWaitForItsPause(t *testing.T) {
	way := filepath.Join(t.TempDir(), "way")
	s := settings(1, behaveFile+"="+way)
	p, path := reloadable(t, s)
	if err := os.WriteFile(way, []byte(fails), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.seen(p.address(1)).PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.waitLog("event=worker.delayed worker=1 wait_seconds=4")
	pause := time.Now().Add(4 * time.Second)
	s.Env = nil
	writeReload(t, path, s)
	p.signal(syscall.SIGHUP)
	p.waitLog("event=reload.done")
	if !time.Now().Before(pause) {
		t.Error("the pause went before")
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestReloadWhoseWorkersEndAtOnceLeavesTheOthersAlone(t *testing.T) {
	s := settings(2)
	p, path := reloadable(t, s)
	before := map[int]int{}
	p.eventually("both workers answer", func() bool {
		now := p.seen(p.address(1))
		before[now.Plan.Worker] = now.PID
		return len(before) == 2
	})
	s.Env = []string{behave + "=" + flapsOne}
	writeReload(t, path, s)
	p.signal(syscall.SIGHUP)
	p.waitLog("event=worker.delayed worker=1 wait_seconds=1")
	p.waitLog("event=worker.delayed worker=1 wait_seconds=2")
	if now := p.seen(p.address(1)); now.PID != before[2] {
		t.Errorf("process %d answers; the workers were %v", now.PID, before)
	}
	s.Env = nil
	writeReload(t, path, s)
	p.signal(syscall.SIGHUP)
	p.waitLog("event=reload.done workers=2")
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestOldWorkerThatIsKilledIsSaidWithItsRequests(t *testing.T) {
	s := settings(1, behave+"="+stubborn)
	s.GracefulTimeout = 100 * time.Millisecond
	p, path := reloadable(t, s)
	pid, rest := p.begin()
	s.Env = nil
	writeReload(t, path, s)
	p.signal(syscall.SIGHUP)
	p.waitLog("event=worker.killed worker=1 pid=" + strconv.Itoa(pid) + ` running="GET /wait (`)
	<-rest
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestReloadTakesTheNumberOfWorkers(t *testing.T) {
	s := settings(1)
	p, path := reloadable(t, s)
	for round, workers := range []int{3, 1, 2} {
		s.Workers = workers
		writeReload(t, path, s)
		p.signal(syscall.SIGHUP)
		p.waitLogs("event=reload.done", round+1)
		p.waitLog("event=reload.done workers=" + strconv.Itoa(workers))
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestReloadThatFailsLeavesTheOldWorkersServing(t *testing.T) {
	for _, way := range []string{fails, exits, crashes} {
		t.Run(way, func(t *testing.T) {
			p, path := reloadable(t, settings(2))
			pids := map[int]bool{}
			p.eventually("both workers answer", func() bool {
				pids[p.seen(p.address(1)).PID] = true
				return len(pids) == 2
			})
			writeReload(t, path, settings(2, behave+"="+way))
			p.signal(syscall.SIGHUP)
			p.waitLog("event=reload.failed")
			if way == fails && !strings.Contains(p.log.String(), "KeyError: 'x'") {
				t.Error("the log has no traceback")
			}
			for range 10 {
				if now := p.seen(p.address(1)); !pids[now.PID] {
					t.Errorf("worker %d is a new one", now.PID)
				}
			}
			writeReload(t, path, settings(2))
			p.signal(syscall.SIGHUP)
			p.waitLog("event=reload.done")
			p.signal(syscall.SIGTERM)
			p.stops()
		})
	}
}

func TestReloadOfUnreadableSettingsIsRefused(t *testing.T) {
	p, _ := reloadable(t, settings(1))
	p.signal(syscall.SIGHUP)
	p.waitLog("event=reload.failed reason=")
	p.seen(p.address(1))
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestManyReloadsAtOnceEndInTheLastSettings(t *testing.T) {
	s := settings(2)
	p, path := reloadable(t, s)
	for threads := 10; threads < 30; threads++ {
		s.Threads = threads
		writeReload(t, path, s)
		p.signal(syscall.SIGHUP)
	}
	p.eventually("the last settings hold", func() bool {
		return p.seen(p.address(1)).Plan.Settings.Threads == 29
	})
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestWorkerThatAsksForItIsReplacedFirstAndDrainedThen(t *testing.T) {
	way := filepath.Join(t.TempDir(), "way")
	if err := os.WriteFile(way, []byte(wornOut), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, settings(1, behaveFile+"="+way))
	p.waitLog(`event=worker.replacing worker=1`)
	if err := os.Remove(way); err != nil {
		t.Fatal(err)
	}
	p.waitLog(`reason="it is worn out"`)
	p.waitLog("event=worker.stopped")
	log := p.log.String()
	if strings.Index(log, "event=worker.draining") < strings.LastIndex(log[:strings.Index(log, "event=worker.draining")], "event=application.loaded") {
		t.Error("the old worker was drained before the new one served")
	}
	p.seen(p.address(1))
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestWorkersAreReplacedAfterMaxLifetime(t *testing.T) {
	s := settings(2)
	s.MaxLifetime, s.MaxLifetimeJitter = 50*time.Millisecond, 50*time.Millisecond
	p := started(t, s)
	p.waitLogs(`reason="max_lifetime: it has served for`, 4)
	p.seen(p.address(1))
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestWorkersAreReplacedWhenTheyUseTooMuchMemory(t *testing.T) {
	s := settings(1)
	s.MaxWorkerMemory = 1 << 20
	p := started(t, s)
	p.waitLog(`reason="max_worker_memory: it has grown to`)
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestSignalsAddAndRemoveWorkers(t *testing.T) {
	p := started(t, settings(1))
	p.signal(syscall.SIGTTIN)
	p.waitLogs("event=application.loaded", 2)
	p.signal(syscall.SIGTTIN)
	p.waitLogs("event=application.loaded", 3)
	_, rest := p.begin()
	p.signal(syscall.SIGTTOU)
	p.waitLogs("event=worker.stopped", 1)
	p.signal(syscall.SIGTTOU)
	p.waitLogs("event=worker.stopped", 2)
	p.signal(syscall.SIGTTOU)
	p.waitLog("the last worker stays")
	p.seen(p.address(1))
	p.signal(syscall.SIGTERM)
	if text := <-rest; text != "done\n" {
		t.Errorf("a request ended with %q", text)
	}
	p.stops()
}

func TestStartLimitEndsItWithTheReason(t *testing.T) {
	way := filepath.Join(t.TempDir(), "way")
	s := settings(1, behaveFile+"="+way)
	s.StartLimit = 3
	p := started(t, s)
	if err := os.WriteFile(way, []byte(fails), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.seen(p.address(1)).PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.fails("worker 1 failed to start 3 times in a row (--start-limit)", "the application x:app cannot be imported")
}

func TestWorkerThatDoesNotLoadInTimeEndsTheStart(t *testing.T) {
	s := settings(1, behave+"="+neverDone)
	s.StartupTimeout = 100 * time.Millisecond
	p := start(t, s)
	p.fails("worker 1 did not load the application within 100ms", "--startup-timeout")
}

func TestReloadOpensAndClosesSockets(t *testing.T) {
	s := settings(1)
	p, path := reloadable(t, s)
	first := p.address(1)
	second := "unix:" + filepath.Join(t.TempDir(), "s")
	s.Bind = append(s.Bind, second)
	writeReload(t, path, s)
	p.signal(syscall.SIGHUP)
	p.waitLogs("event=reload.done", 1)
	p.seen(first)
	p.seen(second)
	s.Bind = s.Bind[1:]
	writeReload(t, path, s)
	p.signal(syscall.SIGHUP)
	p.waitLog("event=listener.closed address=http://" + first)
	p.waitLogs("event=reload.done", 2)
	p.seen(second)
	p.eventually("the first address is closed", func() bool {
		_, err := get(first, "/seen")
		return err != nil
	})
	s.Bind = []string{"127.0.0.1:99999999"}
	writeReload(t, path, s)
	p.signal(syscall.SIGHUP)
	p.waitLog("event=reload.failed reason=\"cannot listen on 127.0.0.1:99999999")
	p.seen(second)
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestStopDuringAReloadLeavesNoSocketBehind(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT} {
		t.Run(signal.String(), func(t *testing.T) {
			folder := socketFolder(t)
			s := settings(1)
			s.Bind = []string{"unix:" + filepath.Join(folder, "old")}
			p, path := reloadable(t, s)
			s.Bind = []string{"unix:" + filepath.Join(folder, "new")}
			s.Env = []string{behave + "=" + neverDone}
			writeReload(t, path, s)
			p.signal(syscall.SIGHUP)
			p.waitLogs("event=worker.started", 2)
			p.signal(signal)
			p.stops()
			if entries, _ := os.ReadDir(folder); len(entries) != 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

func TestSurplusWorkerGoesWhenItIsIdle(t *testing.T) {
	p := started(t, settings(1, behave+"="+idles))
	p.signal(syscall.SIGTTIN)
	p.waitLog("event=worker.surplus worker=2")
	p.waitLog("event=worker.stopped worker=2")
	if strings.Contains(p.log.String(), "event=worker.surplus worker=1") {
		t.Error("one of the settings' workers went")
	}
	p.seen(p.address(1))
	p.signal(syscall.SIGTERM)
	p.stops()
}
