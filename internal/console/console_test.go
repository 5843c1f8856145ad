package console

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/operator"
)

func sample() operator.State {
	return operator.State{
		Name: "shop\x1b[2J", PID: 4711, Version: "1", Python: "3.11.7", Phase: operator.Serving, Started: time.Now().Add(-3 * time.Hour),
		Listening: []string{"http://127.0.0.1:8000"},
		Nurseries: []operator.Nursery{{PID: 4718, Phase: operator.Serving, Age: 100, Loading: 1.2, Forked: 14, Ordered: 1, Waiting: 2, RSS: 84 << 20}},
		Reloads:   operator.Reloads{Done: 1, Last: &operator.Reload{Ended: time.Now(), Reason: "no module\nx"}},
		Workers: []operator.Worker{
			{
				Number: 1, PID: 4720, Phase: operator.Serving, Age: 700, Requests: 120034, RSS: 80 << 20, PSS: 61 << 20, Threads: 8, Busy: 2, GILHeld: 3, Answers: true,
				Running: []control.Request{
					{ID: "a-1", Method: "GET", Target: "/old" + strings.Repeat("x", 200), Age: 9, Stage: control.Inside, Thread: "gowsgi-1", Client: "10.0.0.1"},
					{ID: "a-2", Method: "GET", Target: "/\x1b]0;evil\x07", Age: 1, Stage: control.Queued},
				},
			},
			{Number: 2, PID: 4721, Phase: operator.Serving, Running: []control.Request{{ID: "b-1", Method: "GET", Target: "/two", Age: 5, Stage: control.Late}}},
		},
	}
}

func TestATableFitsItsTerminalAndCannotMoveItsCursor(t *testing.T) {
	for _, width := range []int{0, 40, 80, 120, 300} {
		text := table(sample(), view{width: width})
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if width > 0 && utf8.RuneCountInString(line) > width {
				t.Errorf("width %d: %q", width, line)
			}
			if strings.ContainsAny(line, "\x1b\x07\r") {
				t.Errorf("width %d: control characters in %q", width, line)
			}
		}
	}
	if lines := strings.Count(table(sample(), view{width: 80, height: 6}), "\n") + 1; lines > 6 {
		t.Errorf("%d lines on a terminal of 6", lines)
	}
}

// Of a narrow terminal the columns are left out that are missed least, and lines
// are not cut where that can be helped. What came from a client is as wide as it
// looks here.
func TestANarrowTerminalShowsWhatMatters(t *testing.T) {
	s := sample()
	s.Workers[0].Connections.Open = 123456789 // longer than its header
	s.Workers[1].Running[0].Target = "/\u4e2d\u6587"
	for width, missing := range map[int]string{
		0: "", 300: "", 110: "GOROUTINES", 80: "GOROUTINES PSS LIMIT RESTARTS THREAD", 40: "GOROUTINES PSS LIMIT RESTARTS GIL CONNS RSS REQUESTS AGE THREAD CLIENT",
	} {
		text := table(s, view{width: width})
		_, workers, _ := strings.Cut(text, "\n\n")
		workers, requests, _ := strings.Cut(workers, "\n\n")
		for _, column := range strings.Fields(missing) {
			header, _, _ := strings.Cut(workers+"\n"+requests, "\n")
			if strings.Contains(header, column) {
				t.Errorf("width %d has %s:\n%s", width, column, text)
			}
		}
		for _, column := range []string{"WORKER", "PID", "STATE", "BUSY", "QUEUE", "REQUEST ", "WHAT"} {
			if !strings.Contains(workers+requests, column) {
				t.Errorf("width %d has no %s:\n%s", width, column, text)
			}
		}
		table, _, _ := strings.Cut(workers, "worker 2:")
		if strings.Contains(table, "…") {
			t.Errorf("width %d cuts:\n%s", width, table)
		}
		if !strings.Contains(requests, "GET /%E4%B8%AD%") {
			t.Errorf("width %d:\n%s", width, requests)
		}
	}
}

func TestRequestsAreSortedByAge(t *testing.T) {
	order := func(v view) string {
		return strings.Join(regexp.MustCompile(`(?m)^[ab]-\d`).FindAllString(table(sample(), v), -1), " ")
	}
	if got := order(view{}); got != "a-1 b-1 a-2" {
		t.Errorf("the oldest first: %s", got)
	}
	if got := order(view{youngest: true}); got != "a-2 b-1 a-1" {
		t.Errorf("the youngest first: %s", got)
	}
	if got := order(view{worker: 2}); got != "b-1" {
		t.Errorf("of worker 2: %s", got)
	}
	worker := 0
	for _, want := range []int{1, 2, 0, 1} {
		if worker = nextWorker(sample(), worker); worker != want {
			t.Errorf("the next worker is %d, want %d", worker, want)
		}
	}
}

func TestAgesAndSizes(t *testing.T) {
	for want, got := range map[string]string{
		"0.5s": age(0.5), "59s": age(59), "1m01s": age(61), "3h12m": age(11520), "2d01h": age(176400),
		"?": size(0), "80M": size(80 << 20), "12.0G": size(12 << 30), "250µs": seconds(0.00025), "1.5ms": seconds(0.0015),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// asking is a gowsgi that says the same again and again.
type asking struct{ times atomic.Int32 }

func (a *asking) State(context.Context) (operator.State, error) {
	a.times.Add(1)
	return sample(), nil
}
func (a *asking) Stacks(context.Context, int) ([]operator.Stacks, error) { return nil, nil }
func (a *asking) Do(context.Context, operator.Order) (operator.Outcome, error) {
	return operator.Outcome{Message: "it failed"}, nil
}

func TestTheCertificateThatExpiresFirstIsNamed(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for want, all := range map[string]map[string]time.Time{
		"": nil,
		"certificate: example.org expires on 2026-12-02": {"example.org": now.Add(24 * time.Hour)},
		"certificate: example.org has expired":           {"example.org": now.Add(-time.Second)},
		"certificates: 3 names; the first that expires, a.example.org, expires on 9999-12-31": {
			"b.example.org": time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "a.example.org": time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
			"c.example.org": time.Date(9999, 12, 31, 23, 59, 59, 1, time.UTC),
		},
	} {
		if got := certificatesLine(all, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCommands(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	socket, err := operator.Listen(path, false)
	if errors.Is(err, syscall.EINVAL) {
		t.Skipf("the folder for tests is too deep for a socket: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Serve(socket, &asking{}, slog.New(slog.DiscardHandler)).Close(time.Second)
	run := func(args ...string) (status int, out, errors string) {
		file, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		var said strings.Builder
		status = Run(t.Context(), append(args, "--control", "unix:"+path), nil, file, &said)
		text, _ := os.ReadFile(file.Name())
		return status, string(text), said.String()
	}
	if status, out, _ := run("status", "--json"); status != 0 || !json.Valid([]byte(out)) {
		t.Errorf("status %d\n%s", status, out)
	}
	for _, args := range [][]string{{"reload"}, {"workers", "-1"}, {"workers", "+1"}, {"workers", "4"}, {"recycle", "1"}, {"log-level", "debug"}} {
		if status, _, errors := run(args...); status != 1 || errors != "gowsgi: it failed\n" {
			t.Errorf("%v: status %d, %q", args, status, errors)
		}
	}
}

// docs/status.md names all fields and all paths.
func TestTheDocumentationNamesAllThatThereIs(t *testing.T) {
	text, err := os.ReadFile("../../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, of := range []any{operator.State{}, operator.Worker{}, operator.Reloads{}, operator.Reload{}, operator.Connections{}, operator.Stacks{}, operator.Outcome{}, control.Request{}, control.Thread{}} {
		for i := range reflect.TypeOf(of).NumField() {
			name, _, _ := strings.Cut(reflect.TypeOf(of).Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	names = append(names, control.Reading, control.Queued, control.Inside, control.Sending, control.Late)
	for _, name := range names {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("nothing is said of %q", name)
		}
	}
	for command := range verbs() {
		if !strings.Contains(string(text), "gowsgi "+command) {
			t.Errorf("nothing is said of gowsgi %s", command)
		}
	}
	for _, method := range []string{http.MethodGet + " /status", http.MethodPost + " /reload"} {
		if !strings.Contains(string(text), "`"+method) {
			t.Errorf("nothing is said of %s", method)
		}
	}
}
