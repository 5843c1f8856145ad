package config

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// Off is the word for what is not wanted.
const Off = "off"

// LogLevels are the levels of the log, the least serious first.
func LogLevels() []string { return []string{"debug", "info", "warning", "error", "critical"} }

// controlAddress is unix:PATH, off, or nothing.
func controlAddress(field func(*Settings) *string) kind {
	read := func(text string) (string, bool) {
		path, isUnix := strings.CutPrefix(text, "unix:")
		switch {
		case text == "" || text == Off:
			return text, true
		case !isUnix || path == "" || strings.ContainsAny(path, "\x00\n"):
			return "", false
		}
		return text, true
	}
	return scalar[string]{
		field: field, want: "unix:PATH or off", read: read, take: ofString(read), write: func(s string) any { return s },
	}
}

// hostAndPort is an address to listen on: host:port, :port, or nothing.
func hostAndPort(field func(*Settings) *string) kind {
	return textThat(field, "host:port, [v6]:port or :port, or empty", func(text string) bool {
		if text == "" {
			return true
		}
		host, port, err := net.SplitHostPort(text)
		n, portErr := strconv.ParseUint(port, 10, 16)
		return err == nil && portErr == nil && strconv.FormatUint(n, 10) == port && isLine(text) && !strings.ContainsAny(host, " /")
	})
}

// fieldName is the name of a header field (RFC 9110, 5.1), or empty. Those that
// frame a message are not for it.
func fieldName(field func(*Settings) *string) kind {
	return textThat(field, "the name of a header field such as X-Request-ID, or empty", func(text string) bool {
		return (text == "" || isToken(text)) && !slices.Contains([]string{"content-length", "transfer-encoding", "connection", "date", "content-type", "trailer", "upgrade"}, strings.ToLower(text))
	})
}

// isToken tells whether text is one (RFC 9110, 5.6.2).
func isToken(text string) bool {
	const others = "!#$%&'*+-.^_`|~"
	for _, c := range []byte(text) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune(others, rune(c)) {
			return false
		}
	}
	return text != ""
}

// statsdAddress is where statsd listens: host:port, unix:PATH as Gunicorn writes
// it, with or without slashes, or nothing.
func statsdAddress(field func(*Settings) *string) kind {
	return textThat(field, "host:port or unix:PATH, or empty", func(text string) bool {
		if path, ok := strings.CutPrefix(text, "unix:"); ok {
			return isLine(text) && strings.TrimLeft(path, "/") != ""
		}
		host, port, err := net.SplitHostPort(text)
		n, portErr := strconv.ParseUint(port, 10, 16)
		return text == "" || err == nil && portErr == nil && n > 0 && host != "" && isLine(text)
	})
}

// checkOwnPaths: what gowsgi answers itself must be told apart, and said.
func (l *loader) checkOwnPaths() {
	s := l.settings
	var health []string
	if s.HealthPath != "" {
		health = []string{s.HealthPath + "/live", s.HealthPath + "/ready"}
	}
	if s.MetricsPath != "" && slices.Contains(health, s.MetricsPath) {
		l.complain(l.origin["metrics_path"], "metrics_path", "is a path of health_path ("+s.MetricsPath+"); give it another one")
	}
	if len(s.MetricsAllowIPs) > 1 && slices.Contains(s.MetricsAllowIPs, everyPeer) {
		l.complain(l.origin["metrics_allow_ips"], "metrics_allow_ips",
			"* allows every address, the others say that only some are allowed; leave out one or the other")
	}
	if s.MetricsPath != "" {
		l.checkShadow("metrics_path", s.MetricsPath)
	}
	for _, path := range health {
		l.checkShadow("health_path", path)
	}
}

// checkShadow says what the application loses by a path that gowsgi answers
// itself. That it has such a path only the application knows; that it has a first
// page, everybody.
func (l *loader) checkShadow(key, path string) {
	below := false
	for _, m := range l.settings.Applications() {
		if m.Path != "" && path == m.Path {
			l.complain(l.origin[key], key, "would take the application's own first page, since mount is "+m.Path+" as well; give it another path")
			return
		}
		below = below || strings.HasPrefix(path, m.Path+"/")
	}
	if below {
		l.notes = append(l.notes, Note{Text: "gowsgi answers " + path + " itself: if the application has such a path, nobody reaches it there"})
	}
}
