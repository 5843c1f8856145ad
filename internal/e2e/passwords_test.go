package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// A target may have a password in it (RFC 9112, 3.2.2, RFC 9110, 4.2.4). It is in no
// log, however the log comes by the target.
func TestPasswordsInATargetAreNotLogged(t *testing.T) {
	const secret = "s3cr3t"
	for name, format := range map[string]string{
		"Gunicorn": `%(h)s %(r)s %(U)s %(q)s`, "Apache": "combined", "JSON": "json",
	} {
		t.Run(name, func(t *testing.T) {
			s := startContract(t, "crashes", modes[0], "--access-logfile", "-", "--access-logformat", format, "--slow-request-threshold", "0.1")
			target := func(path string) string { return "http://alice:" + secret + "@x" + path }
			for _, path := range []string{"/pid", "/pid?mail=a@b", "?mail=a@b"} {
				c := Dial(t, s.Server)
				if response := c.Get(target(path)); response.Status != 200 {
					t.Errorf("%s: %+v", path, response)
				}
			}
			s.WaitOut(t, "http://***@x/pid?mail=a@b")
			s.WaitOut(t, "http://***@x?mail=a@b")
			waits := Dial(t, s.Server)
			waits.Send("GET " + target("/wait") + " HTTP/1.1\r\nHost: x\r\n\r\n")
			s.WaitRecord(t, "wsgi.errors", "http://***@x/wait")
			s.WaitRecord(t, "request.slow", "http://***@x/wait")
			victim := Dial(t, s.Server)
			victim.Send("GET " + target("/null") + " HTTP/1.1\r\nHost: x\r\n\r\n")
			victim.WantBroken("GET")
			s.WaitLog(t, "event=worker.died")
			s.WaitLog(t, "which crashed, was running GET http://***@x/null\n")
			s.Signal(t, syscall.SIGTERM)
			s.Wait(t)
			all := s.Log() + s.Out()
			for line := range strings.Lines(all) {
				if strings.Contains(line, secret) || strings.Contains(line, "alice") {
					t.Errorf("%q", line)
				}
				if strings.Contains(line, "event=worker.died") && !strings.Contains(line, "GET http://***@x/null") {
					t.Errorf("the scoreboard had another request: %q", line)
				}
			}
		})
	}
}
