package reap

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// deadline is for what should happen soon.
const deadline = 30 * time.Second

// asReaper makes the test binary a process to which orphans are given.
const asReaper = "GOWSGI_TEST_REAPER"

func TestMain(m *testing.M) {
	if os.Getenv(asReaper) != "" {
		if err := reaper(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// reaper lets orphans end beside processes of its own, and checks that the
// former disappear and that the results of the latter arrive.
func reaper() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	// One of ours that ended and that nobody has waited for yet.
	late := exec.Command("sh", "-c", "exit 7")
	if err := late.Start(); err != nil {
		return err
	}
	stop := Start(func(pid int) bool { return pid == late.Process.Pid })
	defer stop()

	var all sync.WaitGroup
	failures := make(chan error, 100)
	for i := range 40 {
		all.Go(func() {
			if err := exec.Command("sh", "-c", "exit "+strconv.Itoa(i+1)).Run(); err == nil || err.Error() != fmt.Sprint("exit status ", i+1) {
				failures <- fmt.Errorf("the result of our own is %w", err)
			}
		})
	}
	var orphans []int
	for range 5 {
		// The shell's child becomes ours when the shell ends, and ends then.
		cmd := exec.Command("sh", "-c", "sh -c 'while kill -0 $0 2>/dev/null; do sleep 0.01; done' $$ >/dev/null & echo $!")
		out, err := cmd.Output()
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
		if err != nil {
			return err
		}
		orphans = append(orphans, pid)
	}
	all.Wait()
	close(failures)
	for err := range failures {
		return err
	}
	expired := time.After(deadline)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for _, pid := range orphans {
		for unix.Kill(pid, 0) == nil {
			select {
			case <-tick.C:
			case <-expired:
				return fmt.Errorf("orphan %d is still there", pid)
			}
		}
	}
	if err := late.Wait(); err == nil || err.Error() != "exit status 7" {
		return fmt.Errorf("the result of the one that is known is %w", err)
	}
	return nil
}

func TestOrphansDisappearAndOurOwnProcessesKeepTheirResults(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asReaper+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
