package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// responseRows say what gowsgi changes of responses.
func responseRows() []setting {
	return []setting{
		{
			name: "add-field", group: groupResponses, meta: "FIELD",
			kind: list{field: func(s *Settings) *[]string { return &s.AddField }, item: addedField, want: "a header field such as X-Frame-Options: DENY"},
			help: "Add this header field to every response that has none of its name.",
			more: "As often as there are fields to add. gowsgi's own answers get it, too.",
		},
		{
			name: "remove-field", group: groupResponses, meta: "NAME",
			kind: list{field: func(s *Settings) *[]string { return &s.RemoveField }, item: removedField, want: "the name of a header field such as X-Powered-By", commas: true},
			help: "Remove the header fields of this name from responses.",
			more: "Before any is added: remove and add one to replace it.",
		},
		{
			name: "error-page", group: groupResponses, meta: "STATUS=FILE",
			kind: list{field: func(s *Settings) *[]string { return &s.ErrorPage }, item: errorPage, want: "statuses and a file, such as 502,503=down.html or 5xx=down.html"},
			help: "Answer with this file where gowsgi itself answers with an error.",
			more: "An HTML, text, JSON, XML or SVG file of at most 1 MiB, which each worker reads when it starts. The application's own answers stay as they are.",
		},
	}
}

// mostAdded is how many fields can be added to a response.
const mostAdded = 64

// Fields that say how a message is to be read are not for it.
var ownFields = []string{
	"content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "date",
	"content-type", "content-encoding", "content-range",
}

func fieldToken(name string) error {
	switch {
	case !isToken(name):
		return errors.New("must be the name of a header field, such as X-Powered-By")
	case slices.Contains(ownFields, strings.ToLower(name)):
		return errors.New("says how a response is to be read, so it stays as it is; leave it out")
	}
	return nil
}

// SplitField takes an item of add_field apart.
func SplitField(item string) (name, value string) {
	name, value, _ = strings.Cut(item, ":")
	return name, strings.Trim(value, " \t")
}

func addedField(item string) (string, error) {
	name, value := SplitField(item)
	if !strings.Contains(item, ":") {
		return "", errors.New("must be a header field, such as X-Frame-Options: DENY")
	}
	if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
		return "", errors.New("a field's value has printable ASCII characters only")
	}
	return name + ": " + value, fieldToken(name)
}

func removedField(item string) (string, error) { return item, fieldToken(item) }

// SplitErrorPage takes an item of error_page apart.
func SplitErrorPage(item string) (statuses []int, file string, err error) {
	codes, file, found := strings.Cut(item, "=")
	if !found || file == "" || !isPath(file) {
		return nil, "", errors.New("must be statuses and a file, such as 502,503=down.html or 5xx=down.html")
	}
	for code := range strings.SplitSeq(codes, ",") {
		switch n, err := strconv.Atoi(code); {
		case strings.EqualFold(code, "4xx"):
			statuses = append(statuses, hundred(400)...)
		case strings.EqualFold(code, "5xx"):
			statuses = append(statuses, hundred(500)...)
		case err != nil || n < 400 || n > 599 || len(code) != 3:
			return nil, "", errors.New("must have statuses from 400 to 599, 4xx or 5xx, with commas between them, before the =")
		default:
			statuses = append(statuses, n)
		}
	}
	return statuses, file, nil
}

func hundred(first int) (all []int) {
	for n := range 100 {
		all = append(all, first+n)
	}
	return all
}

func errorPage(item string) (string, error) {
	_, _, err := SplitErrorPage(item)
	return item, err
}

func (l *loader) checkResponses() {
	s := &l.settings
	for _, item := range s.AddField {
		if name, _ := SplitField(item); strings.EqualFold(name, s.RequestIDHeader) {
			l.complain(l.origin["add_field"], "add_field", name+" is the field of request_id_header; leave out one or the other")
		}
	}
	if len(s.AddField) > mostAdded {
		l.complain(l.origin["add_field"], "add_field", "has "+strconv.Itoa(len(s.AddField))+" fields, and a response gets "+strconv.Itoa(mostAdded)+" at most; leave some out")
	}
}
