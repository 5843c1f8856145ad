package e2e

import (
	"strings"
	"testing"
)

func TestSlowRequestIsReportedOnceWithItsStack(t *testing.T) {
	s := startContract(t, "hangs", modes[0], "--slow-request-threshold", "0.3", "--timeout", "0")
	gate, key := s.Gate(t), s.Key()
	uri := "/gate?id=" + key + "&gate=" + gate.Path
	c := Dial(t, s.Server)
	c.Send("GET " + uri + " HTTP/1.1\r\nHost: x\r\n\r\n")
	record := s.WaitRecord(t, "request.slow", uri)
	for _, part := range []string{"level=WARN", "method=GET", "seconds=0.", "contract.py", "in wait_at", "in application"} {
		if !strings.Contains(record, part) {
			t.Errorf("no %q in the record: %s", part, record)
		}
	}
	// Another one becomes slow meanwhile: the first had time for a second record.
	other := "/gate?gate=" + gate.Path
	d := Dial(t, s.Server)
	d.Send("GET " + other + " HTTP/1.1\r\nHost: x\r\n\r\n")
	s.WaitRecord(t, "request.slow", other)
	gate.Open(2)
	c.Response("GET").Want(t, 200, "None")
	d.Response("GET").Want(t, 200, "None")
	c.StaysOpen("/hello")
	if records := s.Records("request.slow", uri); len(records) != 1 {
		t.Errorf("%d records: %q", len(records), records)
	}
	if strings.Contains(s.Log(), "/hello") {
		t.Error("a quick request was reported, too")
	}
}
