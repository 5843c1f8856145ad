package server

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
		if got := loggedTarget(target); got != want {
			t.Errorf("%q: %q, want %q", target, got, want)
		}
	}
}
