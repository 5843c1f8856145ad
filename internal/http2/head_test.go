package http2

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gowsgi/gowsgi/internal/http1"
	"github.com/gowsgi/gowsgi/internal/http2/frametest"
)

// What HTTP/1's reader refuses is refused here, in the same way.
func TestHeadsThatAreNone(t *testing.T) {
	var mu sync.Mutex
	var noted []string
	_, addr := serve(t, Config{Handler: hello, Refused: func(r *http1.Refused) {
		mu.Lock()
		defer mu.Unlock()
		noted = append(noted, string(r.Line)+": "+r.Why)
	}})
	many := []string{}
	for range 101 {
		many = append(many, "x", "y")
	}
	tests := []struct {
		name   string
		pairs  []string
		status string
	}{
		{"a method with a request in it", []string{":method", "GET /a HTTP/1.1"}, "400"},
		{"a method that is no token", []string{":method", "G(T"}, "400"},
		{"a blank in the path", []string{":path", "/a b"}, "400"},
		{"a fragment", []string{":path", "/a#b"}, "400"},
		{"a bad escape", []string{":path", "/a%zz"}, ""},
		{"a path without a slash", []string{":path", "a"}, ""},
		{"an asterisk that is no OPTIONS", []string{":path", "*"}, "400"},
		{"no authority", []string{":authority", "-"}, "400"},
		{"an authority that is none", []string{":authority", "a b"}, "400"},
		{"an authority with user information", []string{":authority", "a@b"}, ""},
		{"another Host", []string{"host", "y"}, "400"},
		{"two other hosts", []string{":authority", "-", "host", "x", "host", "y"}, "400"},
		{"CONNECT", []string{":method", "CONNECT", ":path", "-", ":scheme", "-"}, "405"},
		{"an expectation", []string{"expect", "magic"}, "417"},
		{"a length and no body", []string{"content-length", "5"}, "400"},
		{"two lengths", []string{"content-length", "0", "content-length", "1"}, "400"},
		{"a length that is none", []string{"content-length", "+0"}, "400"},
		{"a long path", []string{":path", "/" + strings.Repeat("a", 4094)}, "414"},
		{"a long field", []string{"a", strings.Repeat("a", 8190)}, "431"},
		{"many fields", many, "431"},
		{"upgrade", []string{"upgrade", "websocket"}, "400"},
		{"connection", []string{"connection", "close"}, "400"},
		{"transfer-encoding", []string{"transfer-encoding", "chunked"}, "400"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := frametest.Dial(t, addr)
			a := c.Wait(c.Open(true, test.pairs...))
			if a.Status != test.status || a.Broken != (test.status == "") {
				t.Errorf("status %s, reset %v (%v), body %q; want status %q", a.Status, a.Broken, a.Reset, a.Body, test.status)
			}
			if a := c.Wait(c.Open(true)); a.Status != "200" {
				t.Errorf("the next request of the connection: %+v", a)
			}
		})
	}
	mu.Lock()
	defer mu.Unlock()
	if text := strings.Join(noted, "\n"); !strings.Contains(text, "GET /a b HTTP/2: ") || len(noted) < 12 {
		t.Errorf("%d were noted: %s", len(noted), text)
	}
}

// A head is passed on as it was sent.
func TestHeadsThatAreSome(t *testing.T) {
	var mu sync.Mutex
	var got *http.Request
	_, addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = r
		own := w.(*Writer)
		if own.RequestsBefore() != 0 || own.HeadSize() < 50 {
			t.Errorf("requests before: %d, size of the head: %d", own.RequestsBefore(), own.HeadSize())
		}
	})})
	c := frametest.Dial(t, addr)
	a := c.Wait(c.Open(true, ":path", "/a%20b/../c?d=%20&e", ":authority", "x:8080", "host", "x:8080", ":scheme", "https",
		"cookie", "a=1", "cookie", "b=2", "te", "trailers", "x_y", "1", "a", "caf\xe9", "trailer", "b"))
	mu.Lock()
	defer mu.Unlock()
	if a.Status != "200" {
		t.Fatalf("%+v", a)
	}
	if got.RequestURI != "/a%20b/../c?d=%20&e" || got.Host != "x:8080" || got.TLS != nil || got.Header["Host"] != nil {
		t.Errorf("%q of %q, TLS %v, %v", got.RequestURI, got.Host, got.TLS, got.Header)
	}
	for name, want := range map[string]string{"Cookie": "a=1; b=2", "Te": "trailers", "A": "caf\xe9"} {
		if strings.Join(got.Header[name], "|") != want {
			t.Errorf("%s is %q, want %q", name, got.Header[name], want)
		}
	}
}
