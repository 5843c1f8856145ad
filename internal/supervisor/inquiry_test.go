package supervisor

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// Who leaves while the loop looks something up for him gets nothing half done, and
// nothing of it happens behind his back. The race detector looks on.
func TestWhoLeavesIsNotAnsweredByHalf(t *testing.T) {
	s := &supervisor{events: make(chan event), done: make(chan struct{})}
	var loop sync.WaitGroup
	loop.Go(func() {
		for {
			select {
			case do := <-s.events:
				do()
			case <-s.done:
				return
			}
		}
	})
	answered, left := 0, 0
	for i := range 5000 {
		ctx, leave := context.WithCancel(t.Context())
		go leave()
		text := ""
		err := s.consult(ctx, func() { text = "the whole answer"[:i%16+1] })
		switch {
		case err == nil && len(text) == i%16+1:
			answered++
		case errors.Is(err, context.Canceled) && text == "":
			left++
		default:
			t.Fatalf("%v, %q", err, text)
		}
		leave()
	}
	close(s.done)
	loop.Wait()
	if err := s.consult(t.Context(), func() { t.Error("the loop has ended") }); !errors.Is(err, errOver) {
		t.Errorf("afterwards: %v", err)
	}
	t.Logf("%d were answered, %d left", answered, left)
}
