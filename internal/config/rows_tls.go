package config

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/internal/certs"
)

// tlsRows say how TLS is spoken.
func tlsRows() []setting {
	return []setting{
		{
			name: "certfile", group: groupTLS, meta: "FILE",
			kind: list{field: func(s *Settings) *[]string { return &s.Certfile }, item: somePath, want: "a file with a certificate"},
			help: "Speak TLS with this certificate: PEM, its chain behind it; may be repeated.",
			more: "All addresses of bind speak TLS then. Of several, the names inside choose; the first is for all other names. Files are read by gowsgi and not by its workers, and again when they change or at SIGHUP; if something is wrong with them then, what was there is kept.",
		},
		{
			name: "keyfile", group: groupTLS, meta: "FILE",
			kind: list{field: func(s *Settings) *[]string { return &s.Keyfile }, item: somePath, want: "a file with a key"},
			help: "The key of the certificate, PEM without a passphrase; in the order of the certificates if there are several.",
			more: "Without one, it is looked for in the certificate's file.",
		},
		{
			name: "ca-certs", group: groupTLS, meta: "FILE",
			kind: path(func(s *Settings) *string { return &s.CACerts }, "a file, as one line of text"),
			help: "Certificates of the authorities that certify clients: PEM.",
		},
		{
			name: "cert-reqs", group: groupTLS, meta: "WORD", def: certs.None,
			kind: certReqs(func(s *Settings) *string { return &s.CertReqs }),
			help: "Whether clients have to show a certificate: none, optional or required.",
			more: "Gunicorn's 0, 1 and 2 are the same. What it says is in the environ as SSL_CLIENT_…, see docs/wsgi.md.",
		},
		{
			name: "redirect-http", group: groupTLS, meta: "PORT", def: "0",
			kind: number(func(s *Settings) *int { return &s.RedirectHTTP }, 0, 65535),
			help: "Listen on this port, too, usually 80, and redirect from there to https; 0: no.",
			more: "On the hosts of bind. Redirected are requests for hosts that there is a certificate for, or that one is obtained for; what is below /.well-known/acme-challenge/ is served as it is.",
		},
		{
			name: "hsts", group: groupTLS, meta: "SECONDS", def: "0",
			kind: duration(func(s *Settings) *time.Duration { return &s.HSTS }, 0, 10*365*24*time.Hour),
			help: "Have browsers use nothing but https for this host, for so long; 0: no.",
			more: "The field is Strict-Transport-Security. Begin with an hour: who has seen it cannot go back to http before it is over. An application that sends the field itself is left its own.",
		},
	}
}

// certReqs is one of three words, or Gunicorn's number for it.
func certReqs(field func(*Settings) *string) kind {
	words := []string{certs.None, certs.Optional, certs.Required}
	read := func(text string) (string, bool) {
		text = strings.ToLower(strings.TrimSpace(text))
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(words) {
			return words[n], true
		}
		return text, slices.Contains(words, text)
	}
	return scalar[string]{
		field: field, want: "none, optional or required", words: words, read: read,
		take: func(value any) (string, bool) {
			if n, ok := value.(int64); ok {
				return read(strconv.FormatInt(n, 10))
			}
			return ofString(read)(value)
		},
		write: func(word string) any { return word },
	}
}

// TLS tells whether it is spoken.
func (s *Settings) TLS() bool { return len(s.Certfile)+len(s.ServerName) > 0 }

// CertFiles are the files for it.
func (s *Settings) CertFiles() *certs.Files {
	return &certs.Files{Certificates: s.Certfile, Keys: s.Keyfile, CAs: s.CACerts, Clients: s.CertReqs}
}

// RedirectBinds are the addresses that redirect to https: redirect_http on the hosts
// of Bind.
func (s *Settings) RedirectBinds() []string {
	if s.RedirectHTTP == 0 {
		return nil
	}
	var binds []string
	port := strconv.Itoa(s.RedirectHTTP)
	for _, bind := range s.Bind {
		host, _, err := net.SplitHostPort(bind)
		if err != nil || strings.HasPrefix(bind, "unix:") || strings.HasPrefix(bind, "fd:") {
			continue
		}
		if redirect := net.JoinHostPort(host, port); !slices.Contains(binds, redirect) {
			binds = append(binds, redirect)
		}
	}
	if len(binds) == 0 {
		binds = []string{":" + port}
	}
	return binds
}

// checkTLS: what of it does not go together.
func (l *loader) checkTLS() {
	s := &l.settings
	complain := func(key, message string) { l.complain(l.origin[key], key, message) }
	switch certificates, keys := len(s.Certfile), len(s.Keyfile); {
	case l.refused["certfile"] || l.refused["keyfile"]:
	case keys > 0 && certificates == 0:
		complain("keyfile", "is a key without a certificate; name that with certfile")
	case keys > 0 && keys != certificates:
		complain("keyfile", "there are "+strconv.Itoa(keys)+" keys and "+strconv.Itoa(certificates)+" certificates; name a key for each, or none if each file has its own")
	}
	if s.CertReqs != certs.None && s.CACerts == "" && !l.refused["ca_certs"] {
		complain("cert_reqs", "asks clients for certificates, but nobody is known to certify them; name a file with ca_certs, or leave this out")
	}
	if s.CertReqs == certs.None && s.CACerts != "" && !l.refused["cert_reqs"] {
		l.notes = append(l.notes, Note{Text: l.origin["ca_certs"] + ": no client is asked for a certificate unless cert_reqs is optional or required", Warning: true})
	}
	for _, redirect := range s.RedirectBinds() {
		if slices.Contains(s.Bind, redirect) {
			complain("redirect_http", "is the port of "+redirect+", which is in bind; one of them speaks TLS, so give them two ports")
		}
	}
	if s.TLS() || l.refused["certfile"] || l.refused["server_name"] {
		return
	}
	for _, other := range []struct {
		key string
		set bool
	}{{"cert_reqs", s.CertReqs != certs.None}, {"redirect_http", s.RedirectHTTP != 0}, {"hsts", s.HSTS != 0}} {
		if other.set {
			complain(other.key, "is for TLS, and there is no certificate; name one with certfile, or a host with server_name, or leave this out")
		}
	}
}
