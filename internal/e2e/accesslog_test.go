package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// accessLine is a line of an access log in JSON.
type accessLine struct {
	Time      time.Time
	Client    string
	Method    string
	URI       string
	Protocol  string
	Host      string
	Status    int
	BytesIn   int64 `json:"bytes_in"`
	BytesOut  int64 `json:"bytes_out"`
	Duration  float64
	Queue     *float64
	Python    *float64
	Worker    int
	Thread    *int
	RequestID string `json:"request_id"`
	Referer   string
	UserAgent string `json:"user_agent"`
}

// accessLines reads lines of JSON; one that is not whole fails the test.
func accessLines(t testing.TB, text string) []accessLine {
	t.Helper()
	var lines []accessLine
	for text := range strings.Lines(text) {
		var line accessLine
		if err := json.Unmarshal([]byte(text), &line); err != nil || !strings.HasSuffix(text, "}\n") {
			t.Fatalf("no whole line: %v: %q", err, text)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestAccessLogInJSONTellsWhatTheRequestWas(t *testing.T) {
	began := time.Now().Truncate(time.Millisecond)
	s := Start(t, Options{
		Target: "environ_dump", Args: []string{"--access-logfile", "-", "--access-logformat", "json", "--mount", "/app", "--threads", "3"},
	})
	client := s.Client(t)
	request := client.Request("POST", "/app/x?y=z", strings.NewReader("hello"))
	request.Header.Set("User-Agent", `ua "quoted"`)
	request.Header.Set("Referer", "http://there/")
	request.Header.Set("X-Request-ID", "from-the-proxy")
	response := client.Do(request)
	client.Get("/beside").Want(t, 404, "404 Not Found\n")

	lines := accessLines(t, s.WaitOut(t, `"/beside"`))
	if len(lines) != 2 {
		t.Fatalf("%+v", lines)
	}
	got, outside := lines[0], lines[1]
	want := accessLine{
		Time: got.Time, Client: "127.0.0.1", Method: "POST", URI: "/app/x?y=z", Protocol: "HTTP/1.1", Host: s.Addr, Status: 200,
		BytesIn: 5, BytesOut: int64(len(response.Body)), Duration: got.Duration, Queue: got.Queue, Python: got.Python,
		Worker: 1, Thread: got.Thread, RequestID: "from-the-proxy", Referer: "http://there/", UserAgent: `ua "quoted"`,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	switch {
	case got.Time.Before(began) || got.Time.After(time.Now()):
		t.Errorf("at %s", got.Time)
	case got.Queue == nil || got.Python == nil || got.Thread == nil:
		t.Errorf("nothing of Python: %+v", got)
	case *got.Queue < 0 || *got.Python <= 0 || got.Duration < *got.Python:
		t.Errorf("%f s in the queue, %f s in Python, %f s in all", *got.Queue, *got.Python, got.Duration)
	case *got.Thread < 0 || *got.Thread > 2:
		t.Errorf("thread %d of 3", *got.Thread)
	}
	if outside.Status != 404 || outside.Python != nil || outside.Thread != nil || outside.RequestID == "" || outside.RequestID == got.RequestID {
		t.Errorf("what never got to Python: %+v", outside)
	}
}

func TestAccessLogLinesStayWholeAmongWorkers(t *testing.T) {
	for name, path := range map[string]string{"in a file": filepath.Join(t.TempDir(), "access.log"), "on standard output": "-"} {
		t.Run(name, func(t *testing.T) {
			s := Start(t, Options{
				Target: "startup_app", Args: []string{"-w", "2", "--access-logfile", path, "--access-logformat", "json"},
			})
			const clients, each = 50, 40
			long := strings.Repeat("x", 700) // so that lines fill what one write may have
			Parallel(t, clients, func(t testing.TB, i int) {
				client := s.Client(t)
				for n := range each {
					client.Get(fmt.Sprintf("/%d/%d/%s", i, n, long)).Want(t, 200, "app only")
				}
			})
			s.Stop(t)
			text := s.Out()
			if path != "-" {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				text = string(data)
			}
			seen, ids := map[string]bool{}, map[string]bool{}
			for _, line := range accessLines(t, text) {
				if !strings.HasSuffix(line.URI, "/"+long) || line.Status != 200 || line.Worker < 1 || line.Worker > 2 {
					t.Fatalf("%+v", line)
				}
				seen[line.URI], ids[line.RequestID] = true, true
			}
			if len(seen) != clients*each || len(ids) != clients*each {
				t.Errorf("%d requests with %d ids, want %d", len(seen), len(ids), clients*each)
			}
		})
	}
}

func TestAccessLogInApachesCombined(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	s := Start(t, Options{Target: "startup_app", Args: []string{"--access-logfile", path, "--access-logformat", "combined"}})
	client := s.Client(t)
	request := client.Request("GET", "/a?b", nil)
	request.SetBasicAuth("alice", "secret")
	request.Header.Set("User-Agent", "x\"y")
	client.Do(request).Want(t, 200, "app only")
	s.Stop(t) // writes what there is
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^127\.0\.0\.1 - alice \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /a\?b HTTP/1\.1" 200 8 "-" "x\\x22y"\n$`)
	if !line.MatchString(string(text)) {
		t.Errorf("%q", text)
	}
}

// Sizes of heads are what a client sends and gets, byte for byte.
func TestAccessLogCountsBytesAndRequestsOfAConnection(t *testing.T) {
	s := Start(t, Options{Target: "startup_app", Args: []string{"--access-logfile", "-", "--access-logformat", "%U %I %O %k %X %s"}})
	c := Dial(t, s)
	const first = "GET /first HTTP/1.1\r\nHost: x\r\n\r\n"
	const second = "POST /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
	c.Send(first)
	size := func(r RawResponse) int {
		n := len("HTTP/1.1 200 OK\r\n") + len("\r\n") + len(r.Body)
		for _, field := range r.Fields {
			n += len(field.Name) + len(": ") + len(field.Value) + len("\r\n")
		}
		return n
	}
	one := size(c.Response("GET"))
	c.Send(second)
	two := size(c.Response("POST"))
	out := s.WaitOut(t, "/second")
	want := fmt.Sprintf("/first %d %d 0 + 200\n/second %d %d 1 - 200\n", len(first), one, len(second), two)
	if out != want {
		t.Errorf("got  %q\nwant %q", out, want)
	}
}
