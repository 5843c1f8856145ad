package fields

import (
	"slices"
	"testing"
)

func TestFieldsThatAreAddedAndRemoved(t *testing.T) {
	e := New([][2]string{{"Link", "<a>"}, {"X-Frame-Options", "DENY"}, {"link", "<b>"}, {"Server", "ours"}}, []string{"server", "X-Powered-By"})
	for i, test := range []struct{ before, after [][2]string }{
		{nil, [][2]string{{"Link", "<a>"}, {"X-Frame-Options", "DENY"}, {"link", "<b>"}, {"Server", "ours"}}},
		{
			[][2]string{{"SERVER", "theirs"}, {"A", "b"}, {"x-powered-by", "1"}, {"x-frame-options", ""}, {"X-POWERED-BY", "2"}},
			[][2]string{{"A", "b"}, {"x-frame-options", ""}, {"Link", "<a>"}, {"link", "<b>"}, {"Server", "ours"}},
		},
		{[][2]string{{"LINK", "<c>"}}, [][2]string{{"LINK", "<c>"}, {"X-Frame-Options", "DENY"}, {"Server", "ours"}}},
	} {
		if got := e.Apply(test.before); !slices.Equal(got, test.after) {
			t.Errorf("%d: %q", i, got)
		}
	}
	if got := New(nil, nil).Apply([][2]string{{"A", "b"}}); len(got) != 1 {
		t.Errorf("without edits: %q", got)
	}
}
