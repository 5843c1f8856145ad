package embed_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/embed"
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
