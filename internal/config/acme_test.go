package config

import (
	"slices"
	"strings"
	"testing"
)

// A name is all that is needed, and what is said of listening holds.
func TestWhereNamesAreLookedForIsListenedOn(t *testing.T) {
	for _, test := range []struct {
		args     string
		environ  []string
		binds    string
		redirect int
	}{
		{"--server-name example.org", nil, ":443", 80},
		{"--server-name example.org --redirect-http 0", nil, ":443", 0},
		{"--server-name example.org --redirect-http 8080", nil, ":443", 8080},
		{"--server-name example.org -b 192.0.2.1:443 -b [2001:db8::1]:443", nil, "192.0.2.1:443 [2001:db8::1]:443", 80},
		{"--server-name example.org -b :8443", nil, ":8443", 0},
		{"--server-name example.org", []string{"PORT=8443"}, "0.0.0.0:8443", 0},
		{"--server-name example.org -b unix:/s --redirect-http 80", nil, "unix:/s", 80},
		{"", nil, "127.0.0.1:8000", 0},
	} {
		s := mustLoad(t, words(test.args+" hello:app"), test.environ, nil).Settings
		if got := strings.Join(s.Bind, " "); got != test.binds || s.RedirectHTTP != test.redirect {
			t.Errorf("%s %v: %s, %d", test.args, test.environ, got, s.RedirectHTTP)
		}
		if s.TLS() != (test.args != "") {
			t.Errorf("%s: TLS %v", test.args, s.TLS())
		}
	}
}

func TestNamesAreTakenInOneSpelling(t *testing.T) {
	inv := mustLoad(t, words("--server-name Example.ORG.,www.example.org --server-name xn--bcher-kva.example hello:app --acme-directory https://ca.example.org/"), nil, nil)
	if want := []string{"example.org", "www.example.org", "xn--bcher-kva.example"}; !slices.Equal(inv.Settings.ServerName, want) {
		t.Errorf("%q", inv.Settings.ServerName)
	}
	if !slices.ContainsFunc(inv.Notes, func(n Note) bool { return strings.HasPrefix(n.Text, "acme_email is not set") }) {
		t.Errorf("%v", inv.Notes)
	}
	for _, wrong := range []string{
		"--server-name a..example.org", "--server-name -a.example.org", "--server-name a_b.example.org", "--server-name [::1]", "--server-name 2001:db8::1",
		"--server-name *.example.org", "--server-name example.org:443", "--server-name localhost", "--server-name a.test", "--server-name " + strings.Repeat("a", 64) + ".org",
		"--server-name a.org -b unix:/s", "--server-name a.org --acme-email x@y@z", "--server-name a.org --acme-directory ftp://x/", "--acme-storage /x", "--server-name ../../etc",
	} {
		if len(problems(t, words(wrong+" hello:app"), nil, nil)) != 1 {
			t.Errorf("%s: %q", wrong, problems(t, words(wrong+" hello:app"), nil, nil))
		}
	}
}
