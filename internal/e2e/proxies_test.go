package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// A proxy sets one of the three headers and passes the others on from its client,
// who must not choose the scheme.
func TestSchemesThatContradictEachOther(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		trusting := startContract(t, "environ_dump", mode)
		wary := startContract(t, "environ_dump", mode, "--forwarded-allow-ips", "10.0.0.1")
		for _, test := range []struct {
			fields string
			scheme string // empty: 400
		}{
			{"X-Forwarded-Proto: http\r\nX-Forwarded-Ssl: on\r\n", ""},
			{"X-Forwarded-Ssl: on\r\nX-Forwarded-Proto: http\r\n", ""},
			{"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n", ""},
			{"X-Forwarded-Proto: http\r\nX-Forwarded-Protocol: ssl\r\n", ""},
			{"X-Forwarded-Protocol: ssl\r\nX-Forwarded-Ssl: no\r\n", ""},
			{"X-Forwarded-Protocol: https\r\nX-Forwarded-Proto: https\r\n", ""}, // its word is ssl
			{"X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", ""},
			{"X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n", ""},
			{"X-Forwarded-Ssl: on\r\nX-Forwarded-Ssl: \r\n", ""},
			{"x-forwarded-proto: HTTP\r\nx-forwarded-SSL: ON\r\n", ""},
			{"X-Forwarded-Proto: https\r\nX-Forwarded-Proto: https\r\n", "https"},
			{"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-Protocol: ssl\r\n", "https"},
			{"X-Forwarded-Proto: http\r\nX-Forwarded-Ssl: off\r\n", "http"},
			{"X-Forwarded-Proto: http\r\nX-Forwarded-Proto: ws\r\n", "http"},
			{"X-Forwarded-Proto: https, http\r\n", "http"},
		} {
			c := Dial(t, trusting.Server)
			c.Send("GET / HTTP/1.1\r\nHost: x\r\n" + test.fields + "\r\n")
			response := c.Response("GET")
			if test.scheme == "" {
				if response.Status != 400 {
					t.Errorf("%q: %+v", test.fields, response)
				}
				c.Closed()
			} else {
				parseDump(t, response.Status, response.Body).want(t, map[string]string{"wsgi.url_scheme": test.scheme})
			}
			d := exchangeDump(t, wary.Server, "GET / HTTP/1.1\r\nHost: x\r\n"+test.fields+"\r\n")
			d.want(t, map[string]string{"wsgi.url_scheme": wary.scheme()})
		}
		trusting.WaitLog(t, "contradict each other")
		record := regexp.MustCompile(`level=WARN msg="[^"]* contradict each other.*event=request.malformed .*client=.* fields="X-Forwarded-[^"]*: [^"]*, X-Forwarded-[^"]*: `)
		if !record.MatchString(trusting.Log()) {
			t.Error("the log does not warn with the fields")
		}
		if strings.Contains(wary.Log(), "contradict each other") {
			t.Error("somebody who is not trusted contradicts himself, and the log has it")
		}
	})
}

// What a trusted proxy sends and nobody gets is said once.
func TestFieldsOfAProxyThatArePassedOver(t *testing.T) {
	head := "GET / HTTP/1.1\r\nHost: x\r\nSCRIPT_NAME: /app\r\nremote_user: alice\r\nX_Other: y\r\n\r\n"
	s := startContract(t, "environ_dump", modes[2])
	Parallel(t, 20, func(t testing.TB, _ int) {
		d := exchangeDump(t, s.Server, head)
		d.want(t, map[string]string{"SCRIPT_NAME": ""})
		d.absent(t, "REMOTE_USER")
	})
	s.WaitLog(t, "event=proxy.passed_over field=SCRIPT_NAME ")
	s.WaitLog(t, "event=proxy.passed_over field=REMOTE_USER ")
	s.Stop(t)
	if n := strings.Count(s.Log(), "event=proxy.passed_over"); n != 2 {
		t.Errorf("%d records", n)
	}
	wary := startContract(t, "environ_dump", modes[0], "--forwarded-allow-ips", "10.0.0.1")
	exchangeDump(t, wary.Server, head)
	wary.Stop(t)
	if strings.Contains(wary.Log(), "passed_over") {
		t.Error("the log tells of what somebody sent who is no proxy")
	}
}
