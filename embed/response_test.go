package embed_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/gil"
)

func long() []byte {
	var b bytes.Buffer
	for n := range 200 {
		for range []int{20_000, 10_000}[n%2] {
			fmt.Fprintf(&b, "%03d", n)
		}
	}
	return b.Bytes()
}

func appendBlocks(to []byte, batch embed.Batch) []byte {
	for _, block := range batch.Blocks(nil) {
		to = append(to, block...)
	}
	return to
}

// What was taken stays as it is, and what is set aside meanwhile comes behind it.
func TestBatchesThatAreSetAside(t *testing.T) {
	want := long()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			req := submit(t, "/long", nil, nil)
			defer req.Release()
			var got []byte
			for rounds := 0; ; rounds++ {
				batch, state := req.Wait()
				var aside []byte
				for n := 0; state == embed.Running && !batch.IsEmpty() && n < i; {
					<-req.Output()
					done := req.Stage() == gil.Done
					if set, ok := req.SetAside(); ok {
						aside = appendBlocks(aside, set)
						n++
					}
					if done {
						break
					}
				}
				got = append(appendBlocks(got, batch), aside...)
				if state != embed.Running {
					break
				}
				req.Wake()
			}
			if req.Result().Raised || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: %s", len(got), req.Result().Error)
			}
			if i%2 == 0 {
				req.Shed()
			}
		})
	}
	all.Wait()
}
