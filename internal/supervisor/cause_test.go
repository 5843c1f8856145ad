package supervisor

import (
	"strings"
	"testing"
)

func TestWhoSendsSIGKILL(t *testing.T) {
	for _, c := range []struct {
		before, now int64
		says        string
	}{
		{3, 4, "out of memory: "},
		{3, 3, "somebody's kill -9: "},
		{-1, 3, "out of memory, or somebody's"},
		{-1, -1, "out of memory, or somebody's"},
	} {
		if got := killer(c.before, c.now); !strings.HasPrefix(got, c.says) {
			t.Errorf("%d to %d: %q", c.before, c.now, got)
		}
	}
}
