package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// Workers are replaced for their own reasons while 50 clients keep them busy,
// and no request is lost.
func TestNoRequestIsLostByRecycling(t *testing.T) {
	for _, c := range []struct {
		reason, target string
		args           []string
	}{
		{"max_requests", "editions", []string{"--max-requests", "500", "--max-requests-jitter", "200"}},
		{"max_lifetime", "editions", []string{"--max-lifetime", "0.5", "--max-lifetime-jitter", "0.5"}},
		{"max_worker_memory", "leaks", []string{"--max-worker-memory", "100M"}},
	} {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d workers", c.reason, workers), func(t *testing.T) {
				p := startProject(t, ProjectOptions{
					Unix: workers == 2, Target: c.target + ":application", Args: c.args,
					Settings: Settings{Workers: workers, Threads: 8},
				})
				b := keepBusy(t, p)
				b.load.Window(c.reason)
				Eventually(t, "each worker was replaced at least twice", func() bool { return b.WorkersSeen() >= 3*workers })
				b.Served(t, 10_000)
				b.Finish(t)
				reasons := 0
				for line := range strings.Lines(p.Log()) {
					if strings.Contains(line, "event=worker.replacing ") && strings.Contains(line, c.reason) {
						reasons++
					}
				}
				if reasons < 2*workers {
					t.Errorf("the log gives that reason for %d workers", reasons)
				}
				if p.Logged("worker.died") > 0 {
					t.Error("a worker died")
				}
			})
		}
	}
}
