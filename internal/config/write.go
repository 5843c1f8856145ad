package config

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// commentWidth is how wide the comments of a written file are.
const commentWidth = 78

// fileIntro tops each written file.
const fileIntro = "All settings of gowsgi. gowsgi --print-config writes this file with the settings that hold; " +
	"the config.toml in gowsgi's source is the built-in defaults. " +
	"Read by gowsgi -c FILE, else the file that $GOWSGI_CONFIG names, else gowsgi.toml in the directory that gowsgi is started in. " +
	"Keep only the lines that you change."

const fileRules = "Environment variables are stronger than this file, the command line is stronger than both. " +
	"Relative paths count from chdir. Times are seconds, or a string with a unit (\"500ms\", \"2m\"); " +
	"sizes are bytes, or a string with a unit (\"64K\", \"10M\"; K is 1024)."

// WriteTOML writes the settings as a TOML file that explains each of them.
// [Load] reads it back to the same settings. A setting that is not at its
// default has the default in its comment.
//
// Errors are w's, and a path that is no UTF-8, which TOML has no word for.
func (s Settings) WriteTOML(w io.Writer) error {
	var b bytes.Buffer
	writeFilled(&b, "# ", commentWidth, fileIntro)
	b.WriteString("#\n")
	writeFilled(&b, "# ", commentWidth, fileRules)
	defaults := Defaults()
	group := ""
	for _, row := range table() {
		if row.group != group {
			group = row.group
			fmt.Fprintf(&b, "\n# ---- %s %s\n", group, strings.Repeat("-", commentWidth-8-len(group)))
		}
		b.WriteString("\n")
		writeFilled(&b, "# ", commentWidth, row.help+" "+row.more)
		writeFilled(&b, "# ", commentWidth, capital(row.kind.wants())+". "+row.places()+".")
		value, def := row.kind.encode(&s), row.kind.encode(&defaults)
		if !utf8.ValidString(fmt.Sprint(value)) {
			return fmt.Errorf("%s holds %q, which is no UTF-8 and cannot stand in a TOML file: leave it on the command line, or in $%s",
				row.flag(), value, row.variable())
		}
		if !reflect.DeepEqual(value, def) {
			fmt.Fprintf(&b, "# Default: %s", assignment(row.key(), def))
		}
		b.WriteString(assignment(row.key(), value))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Changed is a TOML file with the settings that are not at their defaults, but for
// those of the keys without.
func (s Settings) Changed(without ...string) (string, error) {
	var b strings.Builder
	defaults := Defaults()
	for _, row := range table() {
		value, def := row.kind.encode(&s), row.kind.encode(&defaults)
		if slices.Contains(without, row.key()) || reflect.DeepEqual(value, def) {
			continue
		}
		if !utf8.ValidString(fmt.Sprint(value)) {
			return "", fmt.Errorf("%s holds %q, which is no UTF-8 and cannot stand in a TOML file", row.flag(), value)
		}
		b.WriteString(assignment(row.key(), value))
	}
	return b.String(), nil
}

// places says where else the setting can be given, strongest first.
func (s setting) places() string {
	names := []string{s.flag()}
	if s.short != "" {
		names[0] = "-" + s.short + ", " + names[0]
	}
	names = append(names, "$"+s.variable())
	if s.env != "" {
		names = append(names, "$"+s.env)
	}
	return strings.Join(names, ", ")
}

// assignment is a line of TOML.
func assignment(key string, value any) string {
	line, err := toml.Marshal(map[string]any{key: value})
	if err != nil {
		panic("config: " + key + ": " + err.Error()) // encode returned no TOML value
	}
	return string(line)
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
