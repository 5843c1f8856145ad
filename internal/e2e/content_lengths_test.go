package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// lengthCase is one cell of the matrix, see testapps/content_lengths.py.
type lengthCase struct {
	proto, connection, kind, declared, error string
}

func (l lengthCase) uri() string {
	return fmt.Sprintf("/?kind=%s&declared=%s&error=%s&%s&%s", l.kind, l.declared, l.error, l.proto, l.connection)
}

// outcome of a case: how much of the body arrives, and whether that is a
// complete response. status 500 is an error page.
type outcome struct {
	status int
	body   string
	whole  bool
}

func (l lengthCase) outcome() outcome {
	const body = "0123456789"
	switch {
	case l.error == "before", l.error == "after":
		return outcome{500, "", true}
	case l.error == "in" && l.kind == "list": // taken whole, or not at all
		return outcome{500, "", true}
	case l.error == "in":
		return outcome{200, body[:5], false}
	case l.declared == "7":
		return outcome{200, body[:7], true}
	default:
		return outcome{200, body, l.declared != "15"}
	}
}

func TestContentLengths(t *testing.T) {
	var cases []lengthCase
	for _, proto := range []string{"HTTP/1.1", "HTTP/1.0"} {
		for _, connection := range []string{"keep-alive", "close"} {
			for _, kind := range []string{"list", "generator", "write"} {
				for _, declared := range []string{"10", "15", "7", ""} {
					for _, failure := range []string{"none", "before", "after", "in"} {
						cases = append(cases, lengthCase{proto, connection, kind, declared, failure})
					}
				}
			}
		}
	}
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "content_lengths", mode)
		Parallel(t, len(cases), func(t testing.TB, i int) { cases[i].check(t, s) })
		for _, l := range cases {
			l.checkLog(t, s)
		}
	})
}

func (l lengthCase) check(t testing.TB, s Contract) {
	c := Dial(t, s.Server)
	c.Send("GET " + l.uri() + " " + l.proto + "\r\nHost: x\r\nConnection: " + l.connection + "\r\n\r\n")
	want := l.outcome()
	var got RawResponse
	if want.whole {
		got = c.Response("GET")
	} else {
		got = c.WantBroken("GET")
	}
	if got.Status != want.status || want.status == 200 && got.Body != want.body {
		t.Errorf("%s: %+v, want %+v", l.uri(), got, want)
		return
	}
	if length := got.Value("Content-Length"); got.Status == 200 && l.declared != "" && length != l.declared {
		t.Errorf("%s: Content-Length %q", l.uri(), length)
	}
	closing := strings.EqualFold(got.Value("Connection"), "close") || got.UntilClose || l.connection == "close"
	switch {
	case !want.whole: // the connection has ended already
	case closing:
		c.Closed()
	default:
		if l.proto == "HTTP/1.0" && !strings.EqualFold(got.Value("Connection"), "keep-alive") {
			t.Errorf("%s: HTTP/1.0 stays open, but was not told: %+v", l.uri(), got)
		}
		c.StaysOpen("/?kind=list&declared=10&error=none&next")
	}
	if l.connection == "keep-alive" && want.whole && closing && l.kind == "list" && l.declared != "7" {
		t.Errorf("%s: the connection was not kept: %+v", l.uri(), got)
	}
}

// checkLog: what was wrong with the response is in the log, once.
func (l lengthCase) checkLog(t testing.TB, s Contract) {
	event := ""
	switch {
	case l.error != "none":
		event = "application.raised"
	case l.declared == "15":
		event = "response.short"
	case l.declared == "7":
		event = "response.long"
	default:
		for _, event := range []string{"application.raised", "response.short", "response.long"} {
			if records := s.Records(event, l.uri()); len(records) > 0 {
				t.Errorf("%s: %q", l.uri(), records)
			}
		}
		return
	}
	s.WaitRecord(t, event, l.uri())
}
