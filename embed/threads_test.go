package embed_test

import "testing"

// The pool's threads are made before the application is imported, and it does not
// see that: threading lists them only afterwards, and what threading.setprofile
// was asked for meanwhile holds for them.
func TestThreadsEnrolOnceTheApplicationIsLoaded(t *testing.T) {
	if a := ask(t, "/enrolled", nil, nil); string(a.body) != "['MainThread'] True True" {
		t.Errorf("%q %s", a.body, a.result.Error)
	}
}
