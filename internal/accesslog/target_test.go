package accesslog

import "testing"

func TestLoggedTargetHasNoPassword(t *testing.T) {
	for target, want := range map[string]string{
		"/":                           "/",
		"*":                           "*",
		"":                            "",
		"/a@b?c@d":                    "/a@b?c@d",
		"//u:p@host/":                 "//u:p@host/", // a path
		"http://host/":                "http://host/",
		"http://host/a@b":             "http://host/a@b",
		"http://host?a@b":             "http://host?a@b",
		"http://u:p@host/a@b":         "http://***@host/a@b",
		"http://u:p@host":             "http://***@host",
		"http://u:p@host?q=u:p@h":     "http://***@host?q=u:p@h",
		"http://token@host:80/":       "http://***@host:80/",
		"http://u:p@p@host/":          "http://***@host/",
		"HTTPS://u:p@[::1]:8/#f":      "HTTPS://***@[::1]:8/#f",
		"u:p@host:443":                "***@host:443",
		"http://host/http://u:p@host": "http://host/http://u:p@host",
	} {
		if got := Target(target); got != want {
			t.Errorf("%q: %q, want %q", target, got, want)
		}
	}
}

func TestLoggedLineHasNoPassword(t *testing.T) {
	for line, want := range map[string]string{
		"GET http://u:p@host/ HTTP/1.1": "GET http://***@host/ HTTP/1.1",
		"CONNECT u:p@host:1":            "CONNECT ***@host:1",
		"GET /a@b HTTP/1.1":             "GET /a@b HTTP/1.1",
		"nonsense":                      "nonsense",
		"":                              "",
	} {
		if got := RequestLine(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
