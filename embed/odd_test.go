package embed_test

import "testing"

// Whatever an application calls of ours, and with what, raises or works.
func TestOddArguments(t *testing.T) {
	a := ask(t, "/odd", nil, []byte("a body"))
	if a.result.Raised {
		t.Errorf("raised %s", a.result.Error)
	}
	for _, path := range []string{"/errors", "/lines", "/file", "/prints"} { // nothing was broken
		if a := ask(t, path, nil, nil); a.status != 200 || a.result.Raised {
			t.Errorf("%s: status %d %s", path, a.status, a.result.Error)
		}
	}
}
