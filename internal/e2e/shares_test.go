package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// 400 connections, one after the other and all at once: none of four workers has more
// than half as many again as another.
func TestWorkersHaveEvenShares(t *testing.T) {
	s := startContract(t, "pool_threads", Mode{}, "--workers", "4", "--threads", "2")
	t.Run("one after the other", func(t *testing.T) {
		checkShares(t, s, 4, func() (pids []string) {
			for range 400 {
				pids = append(pids, Dial(t, s.Server).Get("/pid").Body)
			}
			return pids
		})
	})
	t.Run("at once", func(t *testing.T) {
		checkShares(t, s, 4, func() (pids []string) {
			var all []*Conn
			for range 400 {
				all = append(all, Dial(t, s.Server))
			}
			for _, c := range all {
				pids = append(pids, c.Get("/pid").Body)
			}
			return pids
		})
	})
	// One that is stopped takes none; the others do, and do not wait for it each time.
	stopped := s.WorkerPIDs()[0]
	if err := syscall.Kill(stopped, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(stopped, syscall.SIGCONT)
	Eventually(t, "it is stopped", func() bool {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", stopped))
		_, state, _ := strings.Cut(string(stat), ") ")
		return strings.HasPrefix(state, "T")
	})
	t.Run("with one that is stopped", func(t *testing.T) {
		checkShares(t, s, 3, func() (pids []string) {
			for range 200 {
				pids = append(pids, Dial(t, s.Server).Get("/pid").Body)
			}
			return pids
		})
	})
}

func checkShares(t *testing.T, s Contract, workers int, connect func() (pids []string)) {
	t.Helper()
	shares := map[string]int{}
	for _, pid := range connect() {
		process, _, _ := strings.Cut(pid, ",") // "process": …
		shares[process]++
	}
	least, most := 1<<30, 0
	for _, n := range shares {
		least, most = min(least, n), max(most, n)
	}
	if len(shares) != workers || float64(most) > 1.5*float64(least) {
		t.Errorf("connections by worker: %v", shares)
	}
}
