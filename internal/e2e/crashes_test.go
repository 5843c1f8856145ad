package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A worker that dies takes its own requests with it and nothing else.
func TestCrashesOfAWorker(t *testing.T) {
	for _, path := range []string{"/abort", "/null", "/kill", "/exit"} {
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
		})
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
