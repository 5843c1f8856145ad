package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestExceptions(t *testing.T) {
	kinds := []string{"ValueError", "SystemExit", "KeyboardInterrupt", "GeneratorExit", "StopIteration", "OwnError", "UnprintableError", "MemoryError"}
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "raises", mode)
		for _, kind := range kinds {
			t.Run(kind, func(t *testing.T) {
				for _, where := range []string{"call", "started", "first"} {
					if kind == "StopIteration" && where == "first" {
						continue // that is how an iteration ends
					}
					t.Run(where, func(t *testing.T) { checkRaisedBefore(t, s, kind, where) })
				}
				for _, where := range []string{"write", "block"} {
					if kind == "StopIteration" && where == "block" {
						continue
					}
					t.Run(where, func(t *testing.T) { checkRaisedAfter(t, s, kind, where) })
				}
				for _, where := range []string{"close", "list"} {
					t.Run(where, func(t *testing.T) { checkRaisedInClose(t, s, kind, where) })
				}
			})
		}
		t.Run("50 at once", func(t *testing.T) {
			Parallel(t, 50, func(t testing.TB, i int) {
				where := []string{"call", "started", "first", "block", "close"}[i%5]
				switch {
				case i%5 < 3:
					checkRaisedBefore(t, s, kinds[i%2], where)
				case i%5 == 3:
					checkRaisedAfter(t, s, kinds[i%2], where)
				default:
					checkRaisedInClose(t, s, kinds[i%2], where)
				}
			})
		})
		if n := strings.Count(s.Log(), "Traceback (most recent call last)"); n == 0 {
			t.Error("no traceback in the log")
		}
	})
}

// checkRecord looks at the one record of a request that raised.
func checkRecord(t testing.TB, s Contract, event, uri, kind, key string) {
	t.Helper()
	record := s.WaitRecord(t, event, uri)
	want := []string{"Traceback (most recent call last)", "raises.py", kind, "level=ERROR", "method=GET", "client=127.0.0.1:"}
	if kind != "UnprintableError" {
		want = append(want, "deliberate "+key)
	}
	for _, part := range want {
		if !strings.Contains(record, part) {
			t.Errorf("no %q in the record %q", part, record)
		}
	}
	if n := strings.Count(s.Log(), "deliberate "+key+"\n"); kind != "UnprintableError" && n != 1 {
		t.Errorf("the traceback is in the log %d times", n)
	}
}

func checkRaisedBefore(t testing.TB, s Contract, kind, where string) {
	t.Helper()
	key := s.Key()
	uri := fmt.Sprintf("/?what=%s&where=%s&id=%s", kind, where, key)
	c := Dial(t, s.Server)
	response := c.Get(uri)
	if response.Status != 500 || strings.Contains(response.Body, kind) || strings.Contains(response.Body, "deliberate") {
		t.Errorf("%+v", response)
	}
	checkRecord(t, s, "application.raised", uri, kind, key)
	if where == "first" {
		s.WaitNotes(t, key, "closed")
	}
	if again := c.Get("/?what=ValueError&where=call&id=again"); again.Status != 500 {
		t.Errorf("next on the connection: %+v", again)
	}
}

func checkRaisedAfter(t testing.TB, s Contract, kind, where string) {
	t.Helper()
	for _, proto := range []string{"HTTP/1.1", "HTTP/1.0"} {
		key := s.Key()
		uri := fmt.Sprintf("/?what=%s&where=%s&id=%s", kind, where, key)
		c := Dial(t, s.Server)
		c.Send("GET " + uri + " " + proto + "\r\nHost: x\r\n\r\n")
		response := c.WantBroken("GET")
		if response.Status != 200 || response.Body != "a block\n" {
			t.Errorf("%s: %+v", proto, response)
		}
		checkRecord(t, s, "application.raised", uri, kind, key)
		if where == "block" {
			s.WaitNotes(t, key, "closed")
		}
	}
}

func checkRaisedInClose(t testing.TB, s Contract, kind, where string) {
	t.Helper()
	key := s.Key()
	uri := fmt.Sprintf("/?what=%s&where=%s&id=%s", kind, where, key)
	response := Dial(t, s.Server).Get(uri)
	if response.Status != 200 || !strings.HasPrefix(response.Body, "a block\n") {
		t.Errorf("%+v", response)
	}
	checkRecord(t, s, "application.close_raised", uri, kind, key)
	s.WaitNotes(t, key, "closed")
}
