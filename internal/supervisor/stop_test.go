package supervisor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRunningRequestsFinishOnAGracefulStop(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			p := started(t, settings(2))
			var rests []<-chan string
			for range 10 {
				_, rest := p.begin()
				rests = append(rests, rest)
			}
			p.signal(signal)
			for _, rest := range rests {
				if text := <-rest; text != "done\n" {
					t.Errorf("a request ended with %q", text)
				}
			}
			p.stops()
			if strings.Contains(p.log.String(), "worker.killed") {
				t.Error("workers were killed")
			}
			p.waitLog("event=gowsgi.stopped")
			if _, err := p.get("/seen"); err == nil {
				t.Error("somebody still serves")
			}
		})
	}
}

func TestCtrlCReachesWorkersTooAndIsGraceful(t *testing.T) {
	p := started(t, settings(2))
	_, rest := p.begin()
	// A terminal sends it to the whole foreground process group.
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if text := <-rest; text != "done\n" {
		t.Errorf("the request ended with %q", text)
	}
	p.stops()
}

func TestWorkersThatDoNotStopInTimeAreKilledAndCounted(t *testing.T) {
	s := settings(3, behave+"="+stubborn)
	s.GracefulTimeout = 100 * time.Millisecond
	p := started(t, s)
	p.signal(syscall.SIGTERM)
	p.stops()
	if !strings.Contains(p.log.String(), "event=worker.killed count=3") {
		t.Error("the log does not say how many were killed")
	}
}

func TestSecondInterruptAndQuitStopAtOnce(t *testing.T) {
	for name, signals := range map[string][]syscall.Signal{
		"SIGINT twice":        {syscall.SIGINT, syscall.SIGINT},
		"SIGTERM then SIGINT": {syscall.SIGTERM, syscall.SIGINT},
		"SIGQUIT":             {syscall.SIGQUIT},
	} {
		for _, way := range []string{patient, stubborn} {
			t.Run(name+", worker "+way, func(t *testing.T) {
				s := settings(2, behave+"="+way)
				s.GracefulTimeout = time.Hour
				p := started(t, s)
				_, rest := p.begin()
				for i, signal := range signals {
					if i > 0 {
						p.waitLog("event=gowsgi.stopping")
					}
					p.signal(signal)
				}
				p.stops()
				if text := <-rest; text == "done\n" {
					t.Error("the request was waited for")
				}
				if log := p.log.String(); way == stubborn && !strings.Contains(log, `event=worker.killed count=2 running="GET /wait (`) {
					t.Error("the log does not say what was cut off")
				}
			})
		}
	}
}

func TestGracefulTimeoutOfZeroWaitsForNothing(t *testing.T) {
	s := settings(2)
	s.GracefulTimeout = 0
	p := started(t, s)
	p.begin()
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestStopWhileWorkersStart(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT} {
		t.Run(signal.String(), func(t *testing.T) {
			s := settings(2, behave+"="+neverDone)
			s.GracefulTimeout = 100 * time.Millisecond
			p := start(t, s)
			p.waitLogs("event=worker.started", 2)
			p.signal(signal)
			p.stops()
			if strings.Contains(p.log.String(), "goroutine") {
				t.Error("a worker shows its stacks")
			}
		})
	}
}

func TestPidFileIsThereWhileItRuns(t *testing.T) {
	s := settings(1)
	s.Pid = filepath.Join(t.TempDir(), "gowsgi.pid")
	p := started(t, s)
	if text, err := os.ReadFile(s.Pid); err != nil || string(text) != strconv.Itoa(p.cmd.Process.Pid)+"\n" {
		t.Errorf("pid file holds %q, %v", text, err)
	}
	p.signal(syscall.SIGTERM)
	p.stops()
	if entries, _ := os.ReadDir(filepath.Dir(s.Pid)); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestPidFileOfAnotherProcessIsLeftAlone(t *testing.T) {
	s := settings(1)
	s.Pid = filepath.Join(t.TempDir(), "gowsgi.pid")
	p := started(t, s)
	if err := os.WriteFile(s.Pid, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	p.stops()
	if text, _ := os.ReadFile(s.Pid); string(text) != "1\n" {
		t.Errorf("pid file holds %q", text)
	}
}

func TestPidFileThatCannotBeWrittenIsNamedBeforeAWorkerStarts(t *testing.T) {
	s := settings(1)
	s.Pid = filepath.Join(t.TempDir(), "missing", "gowsgi.pid")
	p := start(t, s)
	p.fails("the pid file "+s.Pid+" cannot be written: no such file or directory", "--pid")
	if strings.Contains(p.log.String(), "worker.started") {
		t.Error("a worker was started")
	}
}
