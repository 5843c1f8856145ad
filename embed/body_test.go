package embed_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
)

// Bodies of all sizes around those that are handed over instead of copied, some
// of which the application keeps, from several clients at once.
func TestLargeBodiesAreTheApplicationsOwn(t *testing.T) {
	sizes := []int{0, 1, 64<<10 - 1, 64 << 10, 100_000, 1_000_000, 1_000_000, 999_999, 1 << 20, 300_000, 1 << 20, 1 << 20, 70_000}
	var all sync.WaitGroup
	for client := range 6 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(client), 0))
			for i := range 4 * len(sizes) {
				body := make([]byte, sizes[random.IntN(len(sizes))])
				for i := range body {
					body[i] = byte(random.Uint32())
				}
				h := header{"Content-Length": strconv.Itoa(len(body))}
				if i%3 == 0 {
					h["X-Keep"] = "1"
				}
				sum := sha256.Sum256(body)
				if a := ask(t, "/whole", h, body); string(a.body) != hex.EncodeToString(sum[:]) {
					t.Errorf("a body of %d bytes: %s", len(body), a.result.Error)
				}
			}
		})
	}
	all.Wait()
}

// Memory may be short at the moment when a body becomes the application's own.
func TestBodyThatCannotBeShortened(t *testing.T) {
	for range 5 {
		large := bytes.Repeat([]byte("a"), 200_000)
		if a := ask(t, "/whole", header{"Content-Length": "200000"}, large); a.result.Raised {
			t.Fatal(a.result.Error)
		}
		body := bytes.Repeat([]byte("b"), 100_000) // goes into the memory that was made for the like of the last
		if a := ask(t, "/without_memory", header{"Content-Length": "100000"}, body); a.result.Raised {
			t.Error(a.result.Error)
		}
	}
}
