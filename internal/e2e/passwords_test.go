package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// A target with a password in it is refused (RFC 9110, 4.2.4), and the password is
// in no log.
func TestPasswordsInATargetAreNotLogged(t *testing.T) {
	const secret = "s3cr3t"
	for name, format := range map[string]string{
		"Gunicorn": `%(h)s %(r)s %(U)s %(q)s`, "Apache": "combined", "JSON": "json",
	} {
		t.Run(name, func(t *testing.T) {
			s := startContract(t, "crashes", modes[0], "--access-logfile", "-", "--access-logformat", format)
			defer func() {
				for line := range strings.Lines(s.Log() + s.Out()) {
					if strings.Contains(line, secret) || strings.Contains(line, "alice") {
						t.Errorf("%q", line)
					}
				}
			}()
			target := func(path string) string { return "http://alice:" + secret + "@x" + path }
			for _, path := range []string{"/pid", "/pid?mail=a@b", "?mail=a@b"} {
				c := Dial(t, s.Server)
				if response := c.Get(target(path)); response.Status != 400 {
					t.Errorf("%s: %+v", path, response)
				}
			}
			c := Dial(t, s.Server)
			c.Send("CONNECT alice:" + secret + "@x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n")
			if response := c.Response("CONNECT"); response.Status != 405 {
				t.Errorf("%+v", response)
			}
			s.WaitOut(t, "http://***@x/pid?mail=a@b")
			s.WaitOut(t, "http://***@x?mail=a@b")
			s.WaitOut(t, "CONNECT ***@x:1")
			s.WaitLog(t, "http://***@x/pid")
			s.Signal(t, syscall.SIGTERM)
			s.Wait(t)
		})
	}
}
