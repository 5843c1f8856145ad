package e2e

import (
	"io"
	"strings"
	"testing"
)

// Bodies that many threads read at once, each of them in one go.
func TestMemoryOfLargeBodiesGoesBack(t *testing.T) {
	const size, clients, room = 30 << 20, 8, 20 << 20
	s := startContract(t, "large_lists", Mode{Args: []string{"--threads", "8"}})
	worker := s.WorkerPIDs()[0]
	c := s.Client(t)
	c.Get("/small").Want(t, 200, "small")
	before := RSS(t, worker)
	for range 3 {
		Parallel(t, clients, func(t testing.TB, _ int) {
			s.Client(t).Post("/body", "application/octet-stream", strings.Repeat("x", size)).Want(t, 200, itoa(size))
		})
	}
	after := RSS(t, worker)
	Eventually(t, "the memory goes back", func() bool {
		c.Get("/small").Want(t, 200, "small")
		return RSS(t, worker) < before+room
	})
	t.Logf("%d MB, after the burst %d MB, then %d MB", before>>20, after>>20, RSS(t, worker)>>20)
}

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
