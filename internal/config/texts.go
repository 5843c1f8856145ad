package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// path is any path, or a target, which may be one: bytes, as Unix has it,
// without control characters. It may be empty.
func path(field func(*Settings) *string, want string) kind {
	return textThat(field, want, isPath)
}

// filledPath is a path that is not empty.
func filledPath(field func(*Settings) *string, want string) kind {
	return textThat(field, want, func(text string) bool { return text != "" && isPath(text) })
}

// text is any line of text; it may be empty.
func text(field func(*Settings) *string, want string) kind {
	return textThat(field, want, isLine)
}

// accessFormat is the format of an access log line.
func accessFormat(field func(*Settings) *string) kind {
	return checkedText{
		field: field,
		want:  "json, common, combined, vhost_combined, or a line of text with atoms, either Gunicorn's such as %(h)s or Apache's such as %h",
		check: func(text string) error { _, err := ParseAccessFormat(text); return err },
	}
}

// checkedText is a text whose check says itself what is wrong.
type checkedText struct {
	field func(*Settings) *string
	want  string
	check func(string) error
}

func (k checkedText) parse(s *Settings, texts []string) error {
	var errs []error
	for _, text := range texts {
		errs = append(errs, k.decode(s, text))
	}
	return errors.Join(errs...)
}

func (k checkedText) decode(s *Settings, value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("must be %s, not %s", k.want, shown(value))
	}
	if err := k.check(text); err != nil {
		return err
	}
	*k.field(s) = text
	return nil
}

func (k checkedText) encode(s *Settings) any { return *k.field(s) }

func (k checkedText) wants() string { return k.want }

func textThat(field func(*Settings) *string, want string, is func(string) bool) kind {
	read := func(text string) (string, bool) { return text, is(text) }
	return scalar[string]{
		field: field,
		want:  want,
		read:  read,
		take:  ofString(read),
		write: func(text string) any { return text },
	}
}

// isLine reports whether text can stand on one line of a TOML file: UTF-8
// without control characters.
func isLine(text string) bool { return utf8.ValidString(text) && isPath(text) }

// isPath reports whether text has no control characters.
func isPath(text string) bool { return !strings.ContainsFunc(text, unicode.IsControl) }

// mountPath is a path prefix, or empty for none.
func mountPath(field func(*Settings) *string) kind {
	return textThat(field, "a path such as /app, without a slash at the end, or empty", isMountPath)
}

// isMountPath tells whether text is a path prefix, or empty for none.
func isMountPath(text string) bool {
	return text == "" || isLine(text) && text[0] == '/' && !strings.HasSuffix(text, "/") && !strings.ContainsAny(text, "?%#")
}

// requestTarget is a path, perhaps with a query, or a whole URL. Empty is none.
func requestTarget(field func(*Settings) *string) kind {
	return textThat(field, "a path such as /healthz, a URL such as http://example.com/healthz, or empty", func(text string) bool {
		if text == "" {
			return true
		}
		u, err := url.Parse(text)
		return err == nil && isLine(text) && !strings.ContainsAny(text, " #") &&
			(text[0] == '/' && u.Host == "" || (u.Scheme == "http" || u.Scheme == "https") && u.Host != "")
	})
}

// syslogFacilities are those of RFC 5424, 6.2.1, under Gunicorn's names.
var syslogFacilities = []string{
	"user", "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "uucp",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// syslogPort is what a host without a port gets.
const syslogPort = "514"

// syslogAddress is where a syslog daemon listens, in Gunicorn's spelling.
func syslogAddress(field func(*Settings) *string) kind {
	read := func(text string) (string, bool) {
		scheme, rest, found := strings.Cut(text, "://")
		if !found || !isLine(text) {
			return "", false
		}
		switch scheme {
		case "unix":
			path, _, _ := strings.Cut(rest, "#") // dgram or stream: found out
			return "unix://" + path, strings.HasPrefix(path, "/")
		case "udp", "tcp":
			host, port, err := net.SplitHostPort(rest)
			if err != nil {
				host, port, err = net.SplitHostPort(rest + ":" + syslogPort)
			}
			joined, portErr := joinPort(host, port)
			return scheme + "://" + joined, err == nil && portErr == nil && host != ""
		default:
			return "", false
		}
	}
	return scalar[string]{
		field: field,
		want:  "unix://PATH, udp://HOST:PORT or tcp://HOST:PORT",
		read:  read,
		take:  ofString(read),
		write: func(text string) any { return text },
	}
}

// list is a kind with any number of texts.
type list struct {
	field  func(*Settings) *[]string
	item   func(string) (string, error) // checks one, and returns it in its one spelling
	want   string                       // what an item is
	commas bool                         // one text may hold several items
	least  int                          // so many there must be
}

func (k list) parse(s *Settings, texts []string) error {
	var items []string
	for _, text := range texts {
		items = append(items, k.split(text)...)
	}
	return k.set(s, items)
}

// decode takes an array of strings, or a string for what would be an array of
// one, as Gunicorn does.
func (k list) decode(s *Settings, value any) error {
	switch v := value.(type) {
	case string:
		return k.set(s, k.split(v))
	case []any:
		items := make([]string, 0, len(v))
		var errs []error
		for i, element := range v {
			item, ok := element.(string)
			if !ok {
				errs = append(errs, fmt.Errorf("must be strings, but number %d is %s; each is %s", i+1, shown(element), k.want))
				continue
			}
			items = append(items, item)
		}
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
		return k.set(s, items)
	default:
		return fmt.Errorf(`must be an array of strings, ["…", "…"], not %s; each is %s`, shown(value), k.want)
	}
}

// encode never returns nil, which TOML has no word for.
func (k list) encode(s *Settings) any { return append([]string{}, *k.field(s)...) }

func (k list) wants() string { return "a list; each is " + k.want }

// lines makes the texts for parse out of an environment variable: a list
// whose items may hold commas has one a line there.
func (k list) lines(variable string) []string {
	if k.commas {
		return []string{variable}
	}
	return strings.Split(variable, "\n")
}

func (k list) split(text string) []string {
	items := []string{text}
	if k.commas {
		items = strings.Split(text, ",")
	}
	kept := items[:0]
	for _, item := range items {
		if k.commas {
			item = strings.TrimSpace(item)
		}
		if item != "" {
			kept = append(kept, item)
		}
	}
	return kept
}

func (k list) set(s *Settings, items []string) error {
	var checked []string // nil for an empty list, so that equal settings compare equal
	var errs []error
	for _, item := range items {
		c, err := k.item(item)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", shown(item), err))
			continue
		}
		checked = append(checked, c)
	}
	if len(items) < k.least {
		errs = append(errs, fmt.Errorf("is empty; name at least %d: %s", k.least, k.want))
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	*k.field(s) = checked
	return nil
}

// somePath is an item of which nothing more is known.
func somePath(item string) (string, error) {
	if item == "" || !isPath(item) {
		return "", errors.New("must be a line of text")
	}
	return item, nil
}

// environmentEntry is an item NAME=value. The value may span lines; execve
// sets the one limit there is: no NUL.
func environmentEntry(item string) (string, error) {
	name, value, found := strings.Cut(item, "=")
	if !found || name == "" || !isLine(name) {
		return "", errors.New("must be NAME=value")
	}
	if strings.ContainsRune(value, 0) {
		return "", errors.New("the value must be without NUL")
	}
	return item, nil
}
