package embed_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/gowsgi/gowsgi/embed"
)

// askHints sends a request and returns the hints that came before its response, and
// that.
func askHints(t testing.TB, target, name string) (hints []map[string]string, a answer) {
	t.Helper()
	req := submit(t, target, header{"X-Name": name}, nil)
	defer req.Release()
	for {
		batch, state := req.Wait()
		for _, fields := range req.Hints() {
			hint := map[string]string{}
			for _, field := range fields {
				hint[field[0]] = field[1]
			}
			hints = append(hints, hint)
		}
		for _, block := range batch.Blocks(nil) {
			a.body = append(a.body, block...)
		}
		if state != embed.Running {
			a.status, a.result = req.Status(), req.Result()
			return hints, a
		}
	}
}

func TestHintsComeInOrder(t *testing.T) {
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for range 100 {
				name := fmt.Sprintf("request %d", i)
				hints, a := askHints(t, "/hints", name)
				if len(hints) != 3 || string(a.body) != "hinted" {
					t.Errorf("%q, %q", hints, a.body)
					return
				}
				for n, fields := range hints {
					if fields["Link"] != name || fields["X-Number"] != fmt.Sprint(n) {
						t.Errorf("hint %d of %s: %q", n, name, fields)
					}
				}
			}
		})
	}
	all.Wait()
}

func TestHintsThatAreLateOrBadAreNone(t *testing.T) {
	for _, path := range []string{"/hint_stream", "/bad_hints"} {
		if hints, a := askHints(t, path, "x"); len(hints) > 0 {
			t.Errorf("%s: %q before %q", path, hints, a.body)
		}
	}
}

// A thread that does not stop giving hints gives none to the request that its own
// one's memory serves next.
func TestStrayHintsHitNobody(t *testing.T) {
	for i := range 300 {
		name := fmt.Sprintf("stray %d", i)
		hints, _ := askHints(t, "/stray_hints", name)
		for _, fields := range hints {
			if fields["Link"] != name {
				t.Fatalf("request %d has hints of %q", i, fields["Link"])
			}
		}
		if hints, _ := askHints(t, "/hints", "own"); len(hints) != 3 || hints[0]["Link"] != "own" {
			t.Fatalf("the next request has %q", hints)
		}
	}
}

// HEAD: a block without bytes says that the head is due, and the next block is the end.
func TestHeadStopsAtTheSecondBlock(t *testing.T) {
	for range 100 {
		req := submitHead(t, "/hint_stream")
		batches := 0
		for {
			batch, state := req.Wait()
			if batch.Size() > 0 {
				t.Errorf("%d bytes", batch.Size())
			}
			if !batch.IsEmpty() {
				batches++
			}
			if state != embed.Running {
				break
			}
		}
		if result := req.Result(); result.Raised || !result.HeadersSent || batches != 1 || req.Sent() != 2*int64(len("block")) {
			t.Errorf("%+v after %d batches, %d bytes", result, batches, req.Sent())
		}
		req.Release()
	}
}
