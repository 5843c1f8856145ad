package e2e

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/metrics"
	"github.com/gowsgi/gowsgi/internal/operator"
)

// What docs/when-it-is-slow.md says of its five cases.

// slow is one of them.
type slow struct {
	asked
	address string // of the metrics
}

func startSlow(t *testing.T, target string, args ...string) slow {
	t.Helper()
	address := freeAddr(t)
	args = append(args, "--metrics", address, "--slow-request-threshold", "1", "--timeout", "0")
	return slow{startAsked(t, Options{Target: target, Args: args}), address}
}

// send begins n requests that nobody waits for.
func (s slow) send(t *testing.T, n int, path string) {
	t.Helper()
	for range n {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
	}
}

// until waits until the only worker shows something.
func (s slow) until(t *testing.T, what string, shows func(w operator.Worker, stages map[string]int) bool) operator.Worker {
	t.Helper()
	var worker operator.Worker
	Eventually(t, what, func() bool {
		worker = s.state(t).Workers[0]
		stages := map[string]int{}
		for _, r := range worker.Running {
			stages[r.Stage]++
		}
		return shows(worker, stages)
	})
	return worker
}

func (s slow) wantStack(t *testing.T, wants ...string) {
	t.Helper()
	stacks := s.ask(t, "stacks").Out
	for _, want := range wants {
		if !strings.Contains(stacks, want) {
			t.Errorf("no %q in\n%s", want, stacks)
		}
	}
}

func TestSlowBecauseOfAQuery(t *testing.T) {
	s := startSlow(t, "slow_query:application")
	s.send(t, 3, "/basket")
	w := s.until(t, "three are inside", func(_ operator.Worker, stages map[string]int) bool { return stages["inside"] == 3 })
	if w.GILHeld > 0 || w.Queued > 0 {
		t.Errorf("%+v", w)
	}
	s.wantStack(t, "in query", "connection.recv(1024)")
	s.WaitLog(t, "event=request.slow")
	if m := scrape(t, s.address); m[`gowsgi_threads_busy{worker="1"}`] != 3 || m[`gowsgi_log_events_total{event="request.slow"}`] < 1 {
		t.Errorf("busy %v", m[`gowsgi_threads_busy{worker="1"}`])
	}
	end(t, s)
}

func TestSlowBecauseOfALock(t *testing.T) {
	s := startSlow(t, "slow_lock:application", "--threads", "4")
	s.send(t, 1, "/report?seconds=6")
	s.until(t, "the report is inside", func(_ operator.Worker, stages map[string]int) bool { return stages["inside"] == 1 })
	s.send(t, 5, "/basket")
	w := s.until(t, "the threads are full", func(w operator.Worker, stages map[string]int) bool {
		return stages["inside"] == 4 && stages["queued"] == 2 && w.Busy == 4
	})
	if w.Running[0].Target != "/report?seconds=6" {
		t.Errorf("the oldest: %+v", w.Running[0])
	}
	s.wantStack(t, "in read_basket", "in write_report")
	if m := scrape(t, s.address); m[`gowsgi_queue_length{worker="1"}`] != 2 || m[`gowsgi_threads_busy{worker="1"}`] != m[`gowsgi_threads{worker="1"}`] {
		t.Errorf("queue %v, busy %v of %v", m[`gowsgi_queue_length{worker="1"}`], m[`gowsgi_threads_busy{worker="1"}`], m[`gowsgi_threads{worker="1"}`])
	}
}

func TestSlowBecauseOfTheGIL(t *testing.T) {
	s := startSlow(t, "holds_gil:application", "--threads", "2", "--deadlock-timeout", "0")
	s.send(t, 1, "/hold?seconds=8")
	s.until(t, "the GIL is held", func(w operator.Worker, _ map[string]int) bool { return w.GILHeld > 0 })
	s.wantStack(t, "some thread keeps the GIL", "holds_gil.py", "in application")
	m := scrape(t, s.address)
	if _, there := m[`gowsgi_python_allocated_blocks{worker="1"}`]; there || m[`gowsgi_gil_held_seconds{worker="1"}`] == 0 {
		t.Errorf("blocks %v, held %v", there, m[`gowsgi_gil_held_seconds{worker="1"}`])
	}
}

func TestSlowBecauseOfTooFewThreads(t *testing.T) {
	s := startSlow(t, "sleeps:application", "--threads", "1")
	s.send(t, 6, "/sleep?seconds=1")
	w := s.until(t, "they wait", func(w operator.Worker, stages map[string]int) bool { return stages["queued"] >= 3 && w.Queued >= 3 })
	if w.Busy != 1 || w.Threads != 1 {
		t.Errorf("%+v", w)
	}
	Eventually(t, "all are done", func() bool { return s.state(t).Workers[0].Requests == 6 })
	m := scrape(t, s.address)
	quick := func(name string) float64 { return m[name+`_bucket{mount="/",le="2.5"}`] }
	if quick("gowsgi_request_python_seconds") != 6 || quick("gowsgi_request_queue_seconds") > 3 {
		t.Errorf("within 2.5 s: inside Python %v, in the queue %v", quick("gowsgi_request_python_seconds"), quick("gowsgi_request_queue_seconds"))
	}
}

func TestSlowBecauseOfAClient(t *testing.T) {
	s := startSlow(t, "slow_client:application", "--threads", "2")
	s.send(t, 1, "/export") // and reads nothing
	s.until(t, "it is being sent", func(w operator.Worker, stages map[string]int) bool { return stages["sending"] == 1 })
	if r := s.Client(t).Get("/hello"); r.Status != http.StatusOK {
		t.Errorf("another one: %d", r.Status)
	}
}

// end stops a server whose requests never end.
func end(t *testing.T, s slow) {
	t.Helper()
	if r := s.ask(t, "stop", "--now"); r.Status != 0 {
		t.Errorf("gowsgi stop --now: %s", r.Errors)
	}
}

// All that docs/when-it-is-slow.md names is there: applications, metrics, events,
// settings, commands.
func TestWhatTheCrashCourseNamesIsThere(t *testing.T) {
	text := documented(t, "when-it-is-slow.md")
	events, settings := documented(t, "events.md"), Run(t, Options{}, "--help").Out
	for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		word := quoted[1]
		var found bool
		switch {
		case strings.HasPrefix(word, "testapps/") && strings.HasSuffix(word, ".py"):
			_, err := os.Stat(filepath.Join(checkout(), word))
			found = err == nil
		case strings.HasPrefix(word, "gowsgi_"):
			found = slices.ContainsFunc(metrics.Names(), func(name string) bool { return name == word || name == word+"_bucket" })
		case regexp.MustCompile(`^(request|worker|client)\.[a-z_]+$`).MatchString(word):
			found = strings.Contains(events, "`"+word+"`")
		case strings.HasPrefix(word, "--"):
			option, _, _ := strings.Cut(word, " ")
			found = strings.Contains(settings, option+" ")
		case regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`).MatchString(word) && !strings.HasPrefix(word, "queue_"):
			found = strings.Contains(settings, "--"+strings.ReplaceAll(word, "_", "-")+" ")
		default:
			found = true
		}
		if !found {
			t.Errorf("there is no %s", word)
		}
	}
}

func documented(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(checkout(), "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
