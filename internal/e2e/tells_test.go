package e2e

import (
	"slices"
	"strings"
	"testing"
)

// textOf is the record with that in its line: the line without what is different
// each time, and what stands indented below it.
func textOf(t *testing.T, log, part string) (line string, below []string) {
	t.Helper()
	for text := range strings.Lines(log) {
		text = strings.TrimRight(text, "\n")
		switch {
		case line == "" && !strings.HasPrefix(text, " ") && strings.Contains(text, part):
			line = text
		case line != "" && strings.HasPrefix(text, "  "):
			below = append(below, text[2:])
		case line != "":
			return line, below
		}
	}
	if line == "" {
		t.Errorf("no record has %s", part)
	}
	return line, below
}

func TestWhatTheApplicationTellsKeepsItsLinesAndItsLevel(t *testing.T) {
	s := startContract(t, "tells", modes[0])
	// Debug is below the level of the server: what it writes is the application's choice.
	for _, path := range []string{"/flask", "/bare", "/handler", "/debug"} {
		s.Client(t).Get(path).Want(t, 200, path)
	}
	s.WaitLog(t, "in detail")
	for part, want := range map[string]struct{ level, rest, first, last string }{
		`msg="[now] WARNING in site: stock is low"`:      {"WARN", "event=wsgi.errors logger=site method=GET uri=/flask ", "", ""},
		`msg="[now] ERROR in site: Exception on /flask"`: {"ERROR", "event=wsgi.errors logger=site method=GET uri=/flask ", "Traceback (most recent call last):", "ValueError: deliberate"},
		`msg="Traceback (most recent call last):"`:       {"ERROR", "event=wsgi.errors method=GET uri=/bare ", `  File "`, "ValueError: deliberate"},
		`msg="an order"`:                       {"ERROR", "event=application.logged logger=shop method=GET uri=/handler ", "is lost", "  second"},
		`msg=why`:                              {"ERROR", "event=application.logged logger=shop method=GET uri=/handler ", "so", "ValueError: deliberate"},
		`msg="[now] DEBUG in site: in detail"`: {"DEBUG", "event=wsgi.errors logger=site method=GET uri=/debug ", "", ""},
		` customer=7 extra.event=forged items="{\"tea\": 2`: {"ERROR", "", "is lost", "  second"},
	} {
		line, below := textOf(t, s.Log(), part)
		if !strings.Contains(line, "level="+want.level+" ") || !strings.Contains(line, want.rest) {
			t.Errorf("%s", line)
		}
		if want.first == "" && len(below) > 0 || want.first != "" && (len(below) == 0 || !strings.HasPrefix(below[0], want.first) || below[len(below)-1] != want.last) {
			t.Errorf("%s: below it is %q", part, below)
		}
	}
	if _, below := textOf(t, s.Log(), `msg="an order"`); !slices.Equal(below, []string{"is lost", "note=", "  first", "  second"}) {
		t.Errorf("%q", below)
	}
}

func TestWhatTheApplicationTellsIsWholeInJSON(t *testing.T) {
	s := startContract(t, "tells", modes[0], "--log-format", "json")
	for _, path := range []string{"/flask", "/child", "/handler"} {
		s.Client(t).Get(path).Want(t, 200, path)
	}
	var flask, order, why, child, other map[string]any
	for _, record := range jsonRecords(t, s.WaitLog(t, "why\\nso")) {
		switch text, _ := record["msg"].(string); {
		case strings.HasPrefix(text, "[now] ERROR in site: Exception on /flask\nTraceback (most") && strings.HasSuffix(text, "\nValueError: deliberate"):
			flask = record
		case text == "an order\nis lost":
			order = record
		case text == "why\nso":
			why = record
		case text == `[now] WARNING in site: of "a child"`:
			child = record
		case text == "another\nof\tit":
			other = record
		}
	}
	if child["event"] != "wsgi.errors" || child["level"] != "WARN" || child["logger"] != "site" || child["time"] == nil {
		t.Errorf("%v", child)
	}
	if text, _ := other["traceback"].(string); other["event"] != "application.logged" || other["level"] != "ERROR" || !strings.HasSuffix(text, "\nValueError: deliberate") {
		t.Errorf("%v", other)
	}
	if flask["level"] != "ERROR" || flask["event"] != "wsgi.errors" || flask["logger"] != "site" {
		t.Errorf("%v", flask)
	}
	items, _ := order["items"].(map[string]any)
	if order["customer"] != 7.0 || order["event"] != "application.logged" || order["extra.event"] != "forged" || items["tea"] != 2.0 || order["note"] != "first\nsecond" || order["traceback"] != nil {
		t.Errorf("%v", order)
	}
	if text, _ := why["traceback"].(string); !strings.HasPrefix(text, "Traceback (most") || !strings.HasSuffix(text, "\nValueError: deliberate") {
		t.Errorf("%v", why)
	}
}

// Threads that are left behind say something at the moment at which their request ends.
func TestWhatIsSaidLateIsNoOtherRequests(t *testing.T) {
	const clients, requests, size = 8, 40, 100_000
	s := startContract(t, "says_late", Mode{Args: []string{"--threads", "8"}})
	workers := s.WorkerPIDs()
	Parallel(t, clients, func(t testing.TB, i int) {
		c := s.Client(t)
		for j := range requests {
			if r := c.Get("/" + itoa(i*requests+j) + "/"); r.Status != 200 || len(r.Body) != size {
				t.Errorf("status %d, %d bytes", r.Status, len(r.Body))
			}
		}
	})
	if !slices.Equal(s.WorkerPIDs(), workers) {
		t.Error("the worker is another one")
	}
	for line := range strings.Lines(s.Log()) {
		_, path, said := strings.Cut(line, `msg="late `)
		path, _, _ = strings.Cut(path, `"`)
		if said && strings.Contains(line, " uri=") && !strings.Contains(line, " uri="+path+" ") {
			t.Errorf("%s", line)
		}
	}
}
