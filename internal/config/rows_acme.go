package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// letsEncrypt is the authority that certifies for everybody.
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// acmeRows say whom certificates are obtained from, and for what.
func acmeRows() []setting {
	return []setting{
		{
			name: "server-name", group: groupACME, meta: "NAME",
			kind: list{field: func(s *Settings) *[]string { return &s.ServerName }, item: serverName, want: "a host name, such as www.example.org", commas: true},
			help: "Speak TLS as this host, with a certificate that gowsgi obtains and renews; may be repeated.",
			more: "The name must lead here. Without bind, gowsgi listens on 443 then, and without redirect_http on 80. Certificates of certfile may be there as well. See docs/internet.md.",
		},
		{
			name: "acme-email", group: groupACME, meta: "ADDRESS",
			kind: textThat(func(s *Settings) *string { return &s.ACMEEmail }, "an e-mail address, such as me@example.org", isEmail),
			help: "Whom the authority may write to when something is wrong with a certificate.",
		},
		{
			name: "acme-directory", group: groupACME, meta: "URL", def: letsEncrypt,
			kind: textThat(func(s *Settings) *string { return &s.ACMEDirectory }, "the URL of an ACME directory, which begins with https://", isDirectory),
			help: "The authority that certificates are obtained from: the URL of its ACME directory.",
			more: "The default is Let's Encrypt. With --server-name its terms of service are agreed to. To try things out: https://acme-staging-v02.api.letsencrypt.org/directory, whose certificates no client believes. An authority of your own must be certified by one that this machine believes ($SSL_CERT_FILE).",
		},
		{
			name: "acme-storage", group: groupACME, meta: "FOLDER",
			kind: path(func(s *Settings) *string { return &s.ACMEStorage }, "a folder, as one line of text"),
			help: "Where certificates, their keys and the account are kept.",
			more: "Empty: acme in $STATE_DIRECTORY (systemd's StateDirectory=), else /var/lib/gowsgi/acme for root, else gowsgi/acme in $XDG_DATA_HOME or ~/.local/share. Several gowsgis may share it, on several machines too. Only gowsgi itself reads it, not its workers. Keep it: authorities limit how many certificates they make.",
		},
	}
}

// serverName is a name that a public certificate can be for.
func serverName(name string) (string, error) {
	if err := noURL(name); err != nil {
		return "", err
	}
	name = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return "", errors.New("is an address; certificates are obtained for names")
	}
	if host, port, err := net.SplitHostPort(name); err == nil {
		return "", errors.New("has a port, " + port + "; write " + host)
	}
	if strings.HasPrefix(name, "*.") {
		return "", errors.New("is a wildcard, which is proved by DNS; obtain it otherwise, and name it with certfile")
	}
	const longest, longestLabel = 253, 63
	wrong := len(name) > longest
	for label := range strings.SplitSeq(name, ".") {
		wrong = wrong || label == "" || len(label) > longestLabel || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.ContainsFunc(label, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
	}
	if wrong {
		if strings.ContainsFunc(name, func(r rune) bool { return r > '~' }) {
			return "", errors.New("is no host name in ASCII; write it as in DNS (xn--…)")
		}
		return "", errors.New("is no host name, such as www.example.org")
	}
	return name, nil
}

func isEmail(text string) bool {
	name, host, at := strings.Cut(text, "@")
	return text == "" || at && name != "" && host != "" && !strings.ContainsAny(text, " \t\r\n<>,") && !strings.Contains(host, "@")
}

// isDirectory: without TLS, anybody could say that a name is anybody's.
func isDirectory(text string) bool {
	u, err := url.Parse(text)
	return text == "" || err == nil && u.Scheme == "https" && u.Host != ""
}

// Ports that the names of a site are reached at.
const (
	httpsPort = "443"
	httpPort  = 80
)

// settleACME has gowsgi listen where names are looked for, unless the settings say
// where it listens.
func (l *loader) settleACME() {
	s := &l.settings
	if s.ACMEDirectory == "" && !l.refused["acme_directory"] {
		s.ACMEDirectory = letsEncrypt
	}
	if len(s.ServerName) == 0 {
		return
	}
	if l.origin["bind"] == "" && !l.refused["bind"] {
		s.Bind = []string{":" + httpsPort}
	}
	onHTTPS := slices.ContainsFunc(s.Bind, func(bind string) bool {
		_, port, err := net.SplitHostPort(bind)
		return err == nil && port == httpsPort
	})
	if onHTTPS && l.origin["redirect_http"] == "" && !l.refused["redirect_http"] {
		s.RedirectHTTP = httpPort
	}
}

// checkACME: what of it does not go together.
func (l *loader) checkACME() {
	s := &l.settings
	complain := func(key, message string) { l.complain(l.origin[key], key, message) }
	if len(s.ServerName) == 0 {
		for _, other := range []struct {
			key string
			set bool
		}{{"acme_email", s.ACMEEmail != ""}, {"acme_directory", s.ACMEDirectory != letsEncrypt}, {"acme_storage", s.ACMEStorage != ""}} {
			if other.set && !l.refused["server_name"] {
				complain(other.key, "is for certificates that gowsgi obtains, and there is no name; give one with server_name, or leave this out")
			}
		}
		return
	}
	seen := map[string]bool{}
	for _, name := range s.ServerName {
		if seen[name] {
			complain("server_name", shown(name)+" is given twice; once is enough")
		}
		seen[name] = true
		if s.ACMEDirectory == letsEncrypt && !isPublic(name) {
			complain("server_name", shown(name)+" is no name on the internet, so no public authority certifies it; name one of your own with acme_directory, or a certificate with certfile")
		}
	}
	if s.ACMEEmail == "" && !l.refused["acme_email"] {
		l.notes = append(l.notes, Note{Text: "acme_email is not set: nobody can be told by the authority when something is wrong with a certificate"})
	}
	if !slices.ContainsFunc(s.Bind, func(bind string) bool { return !strings.HasPrefix(bind, "unix:") }) && s.RedirectHTTP == 0 {
		complain("server_name", "cannot be proved to be ours on a unix socket; have bind name an address, or set redirect_http")
	}
}

// isPublic tells whether a name may be one on the internet (RFC 6761, RFC 6762).
func isPublic(name string) bool {
	_, top, _ := strings.Cut(name, ".")
	top = top[strings.LastIndexByte(top, '.')+1:]
	return top != "" && !slices.Contains([]string{"localhost", "local", "internal", "test", "invalid", "example", "arpa", "lan"}, top)
}
