package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// defaultFile is read if it is there and no other file is named.
const defaultFile = "gowsgi.toml"

// file finds, reads and applies the TOML file. It returns the path of what it
// read.
func (l *loader) file(line, gunicorn commandLine, variables map[string]string) string {
	path, source := defaultFile, ""
	if l.inside != nil {
		path = ""
	}
	if given := line.values["config"]; len(given) > 0 {
		path, source = given[len(given)-1], "--config"
	} else if given := variables[fileVariable]; given != "" {
		path, source = given, "$"+fileVariable
	} else if given := gunicorn.values["config"]; len(given) > 0 {
		path, source = given[len(given)-1], gunicorn.source("--config")
	}
	if path == "" {
		return ""
	}
	if reason := pythonFile(path); reason != "" {
		l.blind = true
		l.complain(source, "", reason)
		return ""
	}
	data, err := l.readFile(path)
	switch {
	case err == nil:
		l.toml(path, source, string(data))
		return path
	case source == "" && errors.Is(err, fs.ErrNotExist):
		l.noteGunicornFile()
		return ""
	case source == "":
		source = path
	}
	l.blind = true
	l.complain(source, "", unreadable(path, err))
	return ""
}

func unreadable(path string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no file " + shown(path) + " (from the directory gowsgi is started in)"
	case errors.Is(err, fs.ErrPermission):
		return "may not read " + shown(path) + "; give this user the right to"
	default:
		return "cannot read " + shown(path) + ": " + err.Error()
	}
}

// toml applies the text of a TOML file, key by key in the order of its lines.
// source is who named the file; empty: nobody.
func (l *loader) toml(path, source, text string) {
	var raw map[string]toml.Primitive
	meta, err := toml.Decode(text, &raw)
	rows := map[string]setting{}
	for _, row := range table() {
		rows[row.key()] = row
	}
	unknown := func(key string) bool { _, known := rows[key]; return !known }
	if err != nil || slices.ContainsFunc(slices.Collect(maps.Keys(raw)), unknown) {
		if what := foreignFile(path, text); what != "" {
			l.blind = true
			l.complain(cmp.Or(source, path), "", shown(path)+" is "+what+wayToTOML)
			return
		}
	}
	if err != nil {
		l.blind = true
		l.complain(syntaxProblem(path, err))
		return
	}
	all := entries(meta, raw)
	for _, e := range all {
		source := fmt.Sprintf("%s line %d", path, e.line)
		row, known := rows[e.key]
		if !known {
			l.complain(source, e.key, unknownKey(e, all))
			continue
		}
		l.apply(row, source, func(s *Settings) error { return row.kind.decode(s, e.value) })
	}
}

func syntaxProblem(path string, err error) (source, key, message string) {
	var parse toml.ParseError
	if !errors.As(err, &parse) {
		return path, "", "not TOML: " + err.Error()
	}
	if parse.Position.Line == 0 { // the library loses count at the end of some broken files
		return path, "", "not TOML: " + parse.Message
	}
	return fmt.Sprintf("%s line %d", path, parse.Position.Line), "", "not TOML: " + parse.Message
}

// unknownKey says what to do about a key that no setting has. all are the keys
// of the file.
func unknownKey(e entry, all []entry) string {
	if reason := gunicornKey(e.key, e.value); reason != "" {
		return reason
	}
	if option, foreign := foreignName(e.key); foreign && slices.Contains([]string{"string", "int64", "bool"}, fmt.Sprintf("%T", e.value)) {
		given := map[string][]string{}
		for _, other := range all {
			given[strings.ReplaceAll(other.key, "_", "-")] = []string{fmt.Sprint(other.value)}
		}
		return "there is no such setting: " + option.advice(fmt.Sprint(e.value), given, inFile)
	}
	if meant := suggestion(strings.ToLower(e.key), keysMeant()); meant != "" {
		for _, row := range table() {
			if meant == row.gunicorn || slices.Contains(row.aliases, strings.ReplaceAll(meant, "_", "-")) {
				meant = row.key()
			}
		}
		return "there is no such setting; did you mean " + meant + "?"
	}
	if shown(e.value) == "a table" {
		return "there are no tables in this file but [[mount]]; all other settings stand at its top, such as threads = 8"
	}
	return "there is no such setting; gowsgi --print-config lists them"
}

// keysMeant are the keys to guess from: ours, and how Gunicorn calls them.
func keysMeant() []string {
	var keys []string
	for _, row := range table() {
		keys = append(keys, row.key())
		for _, alias := range row.aliases {
			keys = append(keys, strings.ReplaceAll(alias, "-", "_"))
		}
		if row.gunicorn != "" {
			keys = append(keys, row.gunicorn)
		}
	}
	return keys
}

// entry is a top-level key of the file.
type entry struct {
	key   string
	line  int // where its value starts
	value any
}

// entries returns the keys of the file in the order of their lines.
func entries(meta toml.MetaData, raw map[string]toml.Primitive) []entry {
	found := make([]entry, 0, len(raw))
	for key, primitive := range raw {
		value, line := locate(meta, primitive)
		found = append(found, entry{key: key, line: line, value: value})
	}
	slices.SortFunc(found, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.key, b.key))
	})
	return found
}

// locate returns a value and its line. The library tells the line of a value
// only in the error that it makes of an Unmarshaler's, so that is how to ask.
func locate(meta toml.MetaData, primitive toml.Primitive) (any, int) {
	var probe lineProbe
	var found toml.ParseError
	if errors.As(meta.PrimitiveDecode(primitive, &probe), &found) && found.Position.Line > 0 {
		return probe.value, found.Position.Line
	}
	// A table that only dotted keys imply (a.b = 1) has no line: it is where
	// the first of them is.
	first := 0
	var parts map[string]toml.Primitive
	if meta.PrimitiveDecode(primitive, &parts) == nil {
		for _, part := range parts {
			if _, line := locate(meta, part); first == 0 || line < first {
				first = line
			}
		}
	}
	return probe.value, first
}

// lineProbe keeps the value that it is given and fails.
type lineProbe struct{ value any }

var errProbe = errors.New("config: this error carries a line")

func (p *lineProbe) UnmarshalTOML(value any) error {
	p.value = value
	return errProbe
}
