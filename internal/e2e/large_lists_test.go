package e2e

import (
	"io"
	"testing"
)

// A burst of large responses does not stay in memory.
func TestMemoryOfLargeListsGoesBack(t *testing.T) {
	const size, clients, room = 40 << 20, 16, 20 << 20
	s := startContract(t, "large_lists", Mode{Args: []string{"--threads", "16"}})
	worker := s.WorkerPIDs()[0]
	c := s.Client(t)
	ask := func() {
		for range 300 {
			c.Get("/small").Want(t, 200, "small")
		}
	}
	ask()
	before := RSS(t, worker)
	for _, path := range []string{"/many", "/few"} {
		Parallel(t, clients, func(t testing.TB, _ int) {
			c := s.Client(t)
			response := c.Open(c.Request("GET", path+"?size="+itoa(size), nil))
			defer response.Body.Close()
			if n, err := io.Copy(io.Discard, response.Body); n < size-1<<20 || err != nil {
				t.Errorf("%s: %d bytes, %v", path, n, err)
			}
		})
		after := RSS(t, worker)
		Eventually(t, "the memory of "+path+" goes back", func() bool {
			ask()
			return RSS(t, worker) < before+room
		})
		t.Logf("%s: %d MB, after the burst %d MB, then %d MB", path, before>>20, after>>20, RSS(t, worker)>>20)
	}
}
