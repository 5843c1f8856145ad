package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A worker that dies takes its own requests with it and nothing else.
func TestCrashesOfAWorker(t *testing.T) {
	for _, path := range []string{"/abort", "/null", "/overflow", "/thread", "/foreign", "/guarded", "/kill", "/exit"} {
		t.Run(path, func(t *testing.T) {
			s := startContract(t, "crashes", modes[2])
			before := s.WorkerPIDs()
			if len(before) != 2 {
				t.Fatalf("workers %v", before)
			}
			victim := Dial(t, s.Server)
			victim.Send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
			victim.WantBroken("GET")
			Parallel(t, 10, func(t testing.TB, _ int) { // the other one serves at once
				for range 5 {
					s.Client(t).Get("/pid")
				}
			})
			var after []int
			Eventually(t, "the worker is replaced", func() bool {
				after = s.WorkerPIDs()
				return len(after) == 2 && !slices.Equal(after, before)
			})
			if !slices.ContainsFunc(after, func(pid int) bool { return slices.Contains(before, pid) }) {
				t.Errorf("both workers were replaced: %v, %v", before, after)
			}
			Eventually(t, "the new worker answers", func() bool {
				body := s.Client(t).Get("/pid").Body
				return slices.ContainsFunc(after, func(pid int) bool { return itoa(pid) == body && !slices.Contains(before, pid) })
			})
			s.Signal(t, syscall.SIGTERM)
			if status := s.Wait(t); status != 0 { // not Stop: the log does show a crash
				t.Errorf("exit status %d", status)
			}
			if !strings.Contains(s.Log(), "pid="+itoa(lost(before, after))) {
				t.Error("the log does not name the worker that died")
			}
			checkReport(t, path, s.Log())
		})
	}
}

// reports are what the log must say of a crash: the signal, and who was where.
var reports = map[string]struct{ signal, function string }{
	"/abort":    {"SIGABRT", "application"},
	"/null":     {"SIGSEGV", "string_at"},
	"/overflow": {"SIGSEGV", "application"},
	"/thread":   {"SIGSEGV", "string_at"},
	"/foreign":  {"SIGABRT", ""}, // has no Python stack
	"/guarded":  {"SIGSEGV", "string_at"},
}

// checkReport checks the report of a crash; ends that are none have none.
func checkReport(t *testing.T, path, log string) {
	t.Helper()
	want, crash := reports[path]
	if !crash {
		if strings.Contains(log, "gowsgi: crash: ") {
			t.Error("the log reports a crash")
		}
		return
	}
	who := "which crashed, was running GET "
	if path == "/thread" || path == "/foreign" {
		who = "was running GET "
	}
	_, report, found := strings.Cut(log, "gowsgi: crash: "+want.signal+" ")
	if !found || !strings.Contains(report, who+path+"\n") {
		t.Error("the log does not say which request was running")
	}
	if strings.Contains(report, "gowsgi: crash: ") {
		t.Error("there are two reports")
	}
	_, current, found := strings.Cut(report, "Current thread ")
	if inner := strings.SplitN(current, "\n", 3); want.function != "" && (!found || !strings.HasSuffix(inner[1], " in "+want.function)) {
		t.Errorf("the stack begins with %q", inner)
	}
	if !strings.Contains(log, "was killed by "+want.signal) {
		t.Error("the worker did not die of its signal")
	}
	if strings.Contains(log, "goroutine ") {
		t.Error("the log shows goroutines")
	}
	if guarded := strings.Contains(log, "Fatal Python error: "); guarded != (path == "/guarded") {
		t.Errorf("the application's faulthandler: %v", guarded)
	}
}

// A server that anybody could end with a few requests would not be one.
func TestCrashAfterCrashIsServedOn(t *testing.T) {
	for _, mode := range []Mode{modes[0], modes[2]} { // one worker, two
		t.Run(mode.Name, func(t *testing.T) {
			s := startContract(t, "crashes", mode)
			for range 12 {
				victim := Dial(t, s.Server)
				victim.Send("GET /null HTTP/1.1\r\nHost: x\r\n\r\n")
				victim.WantBroken("GET")
			}
			s.Client(t).Get("/pid")
			Eventually(t, "each death is noticed", func() bool { return strings.Count(s.Log(), `running="GET /null (`) == 12 })
			if strings.Contains(s.Log(), "event=worker.delayed") {
				t.Error("a worker was not replaced at once")
			}
			s.Signal(t, syscall.SIGTERM)
			if status := s.Wait(t); status != 0 {
				t.Errorf("exit status %d", status)
			}
		})
	}
}

// Nobody but the log can tell which request it was.
func TestWarmupThatCrashesIsNamedInTheLastWords(t *testing.T) {
	result := Run(t, Options{Dir: Testapps()}, "-b", freeAddr(t), "--venv", PlainVenv(t), "--warmup", "/null", "crashes")
	lines := strings.Split(strings.TrimSpace(result.Errors), "\n")
	last := lines[len(lines)-1]
	if result.Status != 1 || !strings.HasPrefix(last, "gowsgi: worker 1 was killed by SIGSEGV") || !strings.Contains(last, "while it ran GET /null (") {
		t.Errorf("exit status %d, %s", result.Status, last)
	}
}

func TestCrashReportNamesTheOtherRequests(t *testing.T) {
	s := startContract(t, "crashes", modes[0])
	Parallel(t, 3, func(t testing.TB, i int) {
		waiting := Dial(t, s.Server)
		waiting.Send("GET /wait?name=" + itoa(i) + "%0a HTTP/1.1\r\nHost: x\r\n\r\n")
	})
	Eventually(t, "three requests wait", func() bool { return strings.Count(s.Log(), "event=wsgi.errors") == 3 })
	victim := Dial(t, s.Server)
	victim.Send("GET /null HTTP/1.1\r\nHost: x\r\n\r\n")
	victim.WantBroken("GET")
	Eventually(t, "the worker's end is noticed", func() bool { return strings.Contains(s.Log(), "event=worker.died") })
	for i := range 3 {
		if !strings.Contains(s.Log(), " was running GET /wait?name="+itoa(i)+"%0a\n") {
			t.Errorf("the report does not name request %d", i)
		}
	}
	s.Signal(t, syscall.SIGTERM)
	if status := s.Wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// A child is the application's own: what it dies of is its parent's to know.
func TestForkedChildThatCrashesSaysNothing(t *testing.T) {
	s := startContract(t, "crashes", modes[0])
	if r := s.Client(t).Get("/child"); r.Body != itoa(int(syscall.SIGSEGV)) {
		t.Errorf("the child ended with %s", r.Body)
	}
}

// lost is the process that is in before and not in after.
func lost(before, after []int) int {
	for _, pid := range before {
		if !slices.Contains(after, pid) {
			return pid
		}
	}
	return 0
}
