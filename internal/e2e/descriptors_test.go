package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// limited starts the program with these limits of open descriptors.
func limited(soft, hard int) func(cmd *exec.Cmd) {
	return func(cmd *exec.Cmd) {
		script := fmt.Sprintf(`ulimit -Sn %d && ulimit -Hn %d && exec "$0" "$@"`, soft, hard)
		cmd.Args = append([]string{"sh", "-c", script, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
	}
}

// softLimit is how many descriptors a process may have open, by /proc.
func softLimit(t testing.TB, pid int) string {
	t.Helper()
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		t.Skip(err)
	}
	_, after, _ := strings.Cut(string(limits), "Max open files")
	return strings.Fields(after)[0]
}

// Go leaves one out when it raises the limit, to know it for its own.
func TestLimitOfDescriptorsIsRaised(t *testing.T) {
	s := startContractTarget(t, "descriptors:application", Options{Wrap: limited(60, 150), Args: []string{"--workers", "2"}})
	for _, pid := range append(s.WorkerPIDs(), s.PID()) {
		if soft := softLimit(t, pid); soft != "149" && soft != "150" {
			t.Errorf("process %d may open %s descriptors of 150", pid, soft)
		}
	}
	for _, path := range []string{"/", "/child"} { // docs/wsgi.md, Threads and processes
		if response := s.Client(t).Get(path); response.Body != "149 150" && response.Body != "150 150" {
			t.Errorf("%s: %+v", path, response)
		}
	}
}

// Idle connections make room for new ones.
func TestRunningOutOfDescriptors(t *testing.T) {
	const limit = 80
	s := startContractTarget(t, "descriptors:application", Options{Wrap: limited(limit, limit)})
	first := Dial(t, s.Server)
	first.Get("/leave?left=8").Want(t, 200, "few are left")
	for range limit {
		Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
	}
	first.Closed() // the one that was idle longest
	log := s.WaitLog(t, "event=listener.shortage")
	if !strings.Contains(log, fmt.Sprintf("limit=%d", limit)) || !strings.Contains(log, "LimitNOFILE") {
		t.Error("the log does not say what the limit is, or how to raise it")
	}
	if n := strings.Count(s.Log(), "event=listener.shortage"); n != 1 {
		t.Errorf("%d warnings", n)
	}
}

// Of the descriptors, a part is left to the application.
func TestConnectionsLeaveDescriptorsToTheApplication(t *testing.T) {
	s := startContractTarget(t, "descriptors:application", Options{Wrap: limited(150, 150)})
	for range 150 {
		Dial(t, s.Server).Get("/hello").Want(t, 200, "hello")
	}
	if response := s.Client(t).Get("/child"); response.Status != 200 {
		t.Errorf("%+v", response)
	}
	s.WaitLog(t, "event=connections.full")
	if strings.Contains(s.Log(), "event=listener.shortage") {
		t.Error("there was none left to accept with")
	}
}
