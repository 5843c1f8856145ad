package embed_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/environ"
)

// submitFor sends a request to the application with a number.
func submitFor(t testing.TB, number int) *embed.Request {
	t.Helper()
	req, err := app.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	b, err := req.Environ()
	if err != nil {
		t.Fatal(err)
	}
	b.Set(environ.RequestMethod, "GET")
	b.Target("/environ_dump", "")
	req.SetBody(0)
	req.SetApplication(number)
	if err := req.Submit(false); err != nil {
		t.Fatal(err)
	}
	return req
}

// A request comes to the application that it is for, which has so many threads as it
// may have, and the request's memory is for any of them afterwards.
func TestRequestsComeToTheirApplications(t *testing.T) {
	for number, want := range []string{"{", "True 2", "False 1"} {
		var done sync.WaitGroup
		var mu sync.Mutex
		var last string
		for range 50 {
			req := submitFor(t, number)
			done.Go(func() {
				got := drain(req)
				req.Release()
				mu.Lock()
				defer mu.Unlock()
				last = max(last, string(got.body))
			})
		}
		done.Wait()
		if !strings.HasPrefix(last, want) {
			t.Errorf("application %d answered %.100q, not %q", number, last, want)
		}
	}
	if got := ask(t, "/environ_dump", nil, nil); !strings.HasPrefix(string(got.body), "{") {
		t.Errorf("a request that is for none in particular went to %.100q", got.body)
	}
}

// Whoever asks what goes on hears which application has a request.
func TestDescriptionsSayWhichApplication(t *testing.T) {
	for number := range 3 {
		req := submitFor(t, number)
		generation := req.Generation()
		for end := time.Now().Add(deadline); ; {
			d, ok := req.Describe(generation)
			if !ok {
				break // it was over before anybody looked
			}
			if d.Application != number {
				t.Errorf("application %d is called %d", number, d.Application)
			}
			if time.Now().After(end) {
				t.Fatal("it does not end")
			}
		}
		drain(req)
		req.Release()
	}
}
