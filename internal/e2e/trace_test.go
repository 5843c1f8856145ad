package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// called is what testapps/sleeps.py says of a request.
type called struct {
	ID         string  `json:"gowsgi.request_id"`
	QueueTime  float64 `json:"gowsgi.queue_time"`
	Trace      *string `json:"HTTP_TRACEPARENT"`
	TraceState *string `json:"HTTP_TRACESTATE"`
}

func namesOf(t testing.TB, c *Client, fields ...string) (n called, r Response) {
	t.Helper()
	request := c.Request("GET", "/names", nil)
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	r = c.Do(request)
	if err := json.Unmarshal([]byte(r.Body), &n); err != nil || r.Status != http.StatusOK {
		t.Fatalf("status %d, %v: %s", r.Status, err, r.Body)
	}
	return n, r
}

// A request has one name: in environ, in the response, in the log.
func TestARequestHasOneName(t *testing.T) {
	s := Start(t, Options{Target: "sleeps:application", Args: []string{"--request-id-header", "X-Request-ID", "--log-format", "json", "--forwarded-allow-ips", "127.0.0.1"}})
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			n, r := namesOf(t, s.Client(t))
			if n.ID == "" || r.Header.Get("X-Request-Id") != n.ID || n.QueueTime < 0 {
				t.Errorf("%+v, %v", n, r.Header)
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[n.ID] {
				t.Errorf("%s is the name of two", n.ID)
			}
			seen[n.ID] = true
		})
	}
	all.Wait()
	client := s.Client(t)
	if n, r := namesOf(t, client, "X-Request-ID", "from-the-proxy"); n.ID != "from-the-proxy" || r.Header.Get("X-Request-Id") != n.ID || n.Trace != nil {
		t.Errorf("%+v, %v", n, r.Header)
	}
	for path, status := range map[string]int{"/raise": 500, "/log": 200} {
		request := client.Request("GET", path, nil)
		request.Header.Set("X-Request-ID", "name-of"+path)
		if r := client.Do(request); r.Status != status || r.Header.Get("X-Request-Id") != "name-of"+path {
			t.Errorf("%s: status %d, %v", path, r.Status, r.Header)
		}
		s.WaitLog(t, `"request_id":"name-of`+path+`"`)
	}
	stranger := Start(t, Options{Target: "sleeps:application", Args: []string{"--forwarded-allow-ips", "10.0.0.1"}})
	if n, r := namesOf(t, stranger.Client(t), "X-Request-ID", "from-a-stranger"); n.ID == "from-a-stranger" || r.Header.Get("X-Request-Id") != "" {
		t.Errorf("%+v, %v", n, r.Header)
	}
}

var traceparent = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-01$`)

// A trace goes on as it came, or is begun.
func TestTraceparent(t *testing.T) {
	const sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
	s := Start(t, Options{Target: "sleeps:application", Args: []string{"--traceparent"}})
	client := s.Client(t)
	if n, _ := namesOf(t, client, "Traceparent", sent, "Tracestate", "a=1"); n.Trace == nil || *n.Trace != sent || n.TraceState == nil || *n.TraceState != "a=1" {
		t.Errorf("a trace that came: %+v", n)
	}
	first, _ := namesOf(t, client)
	second, _ := namesOf(t, client)
	if first.Trace == nil || second.Trace == nil || !traceparent.MatchString(*first.Trace) || *first.Trace == *second.Trace {
		t.Errorf("traces that were begun: %+v, %+v", first, second)
	}
	for _, wrong := range []string{"x", strings.ToUpper(sent), "ff" + sent[2:], sent + "-x", "00-" + strings.Repeat("0", 32) + sent[35:], sent[:36] + strings.Repeat("0", 16) + sent[52:]} {
		if n, _ := namesOf(t, client, "Traceparent", wrong, "Tracestate", "a=1"); n.Trace == nil || *n.Trace == wrong || !traceparent.MatchString(*n.Trace) || n.TraceState != nil {
			t.Errorf("%q: %+v", wrong, n)
		}
	}
	request := client.Request("GET", "/raise", nil)
	request.Header.Set("Traceparent", sent)
	client.Do(request)
	s.WaitLog(t, "trace_id=4bf92f3577b34da6a3ce929d0e0e4736")

	plain := Start(t, Options{Target: "sleeps:application"})
	if n, _ := namesOf(t, plain.Client(t), "Traceparent", "x"); n.Trace == nil || *n.Trace != "x" {
		t.Errorf("without the setting: %+v", n)
	}
}

func TestServerTiming(t *testing.T) {
	s := Start(t, Options{Target: "sleeps:application", Args: []string{"--server-timing", "--mount", "/app"}})
	for path, want := range map[string]string{
		"/app/sleep?seconds=0.05": `^queue;dur=[0-9.]+, python;dur=(5\d|[6-9]\d|\d{3,})[0-9.]*, gil;dur=[0-9.]+, total;dur=[0-9.]+$`,
		"/elsewhere":              `^total;dur=[0-9.]+$`,
	} {
		if r := s.Client(t).Get(path); !regexp.MustCompile(want).MatchString(r.Header.Get("Server-Timing")) {
			t.Errorf("%s: %q", path, r.Header.Get("Server-Timing"))
		}
	}
}
