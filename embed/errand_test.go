package embed_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/crash"
)

func TestStacksCanBeHadWithoutAPool(t *testing.T) {
	forget()
	ask(t, "/janitor", nil, nil)
	defer ask(t, "/dismiss", nil, nil)
	var janitor embed.ThreadStack
	eventually(t, "the stack is there", func() bool { // tests before this one may have left an errand
		s := embed.StacksOutside(deadline)
		janitor = find(s, func(t embed.ThreadStack) bool { return t.Name == "janitor" })
		return !s.WithoutGIL
	})
	if janitor.Main || janitor.Request != nil || !strings.Contains(janitor.Text, "in sweep\n    ") {
		t.Errorf("%+v", janitor)
	}
}

// One that cannot get the GIL is all that waits for it, and its job is freed when
// it has come after all.
func TestStacksWithoutAPoolDoNotWaitForTheGIL(t *testing.T) {
	_, release := pipe(t, "/hog")
	eventually(t, "the GIL is missed", func() bool { return app.Unresponsive() > 10*time.Millisecond })
	for range 5 {
		s := embed.StacksOutside(10 * time.Millisecond)
		hog := find(s, func(t embed.ThreadStack) bool { return strings.HasSuffix(t.Text, "in hog\n") })
		if !s.WithoutGIL || hog.Text == "" {
			t.Errorf("%+v", s)
		}
	}
	release()
	eventually(t, "the GIL is back", responsive)
	eventually(t, "the next one gets it", func() bool { return !embed.StacksOutside(deadline).WithoutGIL })
}

// What is read without the GIL may change meanwhile, and be gone: the worker lives on.
func TestStacksOfThreadsThatGoOn(t *testing.T) {
	var requests []*embed.Request
	for range 4 {
		requests = append(requests, submit(t, "/churn?1", nil, nil))
	}
	for range 3000 {
		_ = crash.Dump()
	}
	for _, req := range requests {
		if a := drain(req); string(a.body) != "churned" {
			t.Errorf("%q, %s", a.body, a.result.Error)
		}
		req.Release()
	}
}
