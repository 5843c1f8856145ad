package config

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// WriteHelp writes what --help prints: all options, grouped by purpose, in lines
// of at most width columns (80 is good; below 72 long option names stick out).
// Errors are w's.
func WriteHelp(w io.Writer, width int) error {
	var b bytes.Buffer
	b.WriteString("Usage: gowsgi [OPTION…] TARGET\n\n")
	writeFilled(&b, "", width, "Serves a WSGI application. TARGET is module:callable (without a callable: "+
		"application, then app), a factory module:make(), or the path of a .py or .wsgi file.")
	for _, set := range flagSets() {
		fmt.Fprintf(&b, "\n%s:\n%s", set.Name(), set.FlagUsagesWrapped(width))
	}
	for _, paragraph := range []string{
		"SECONDS is a number, or has a unit: 30, 0.5, 500ms, 2m. SIZE is in bytes, or has a unit: 65536, 64K, 10M, 1G; K is 1024.",
		"Each option is a key of the TOML file, written with _ for -, and a variable: threads = 4, GOWSGI_THREADS=4. " +
			"The command line is stronger than the environment, which is stronger than the file. " +
			"gowsgi --print-config writes a file with all settings explained.",
		"Also read, where the GOWSGI_… of the same setting is not set: " + foreignVariables() + ".",
	} {
		b.WriteString("\n")
		writeFilled(&b, "", width, paragraph)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// flagSets are the flags, a set for each heading.
func flagSets() []*pflag.FlagSet {
	var sets []*pflag.FlagSet
	add := func(group string, row setting, def string) {
		if len(sets) == 0 || sets[len(sets)-1].Name() != group {
			set := pflag.NewFlagSet(group, pflag.ContinueOnError)
			set.SortFlags = false
			sets = append(sets, set)
		}
		addFlag(sets[len(sets)-1], row, def)
	}
	for _, row := range table() {
		if row.positional {
			continue
		}
		def := row.def
		switch def {
		case combinedLog:
			def = "Apache's combined" // three lines of percent signs help nobody
		case "0":
			row.help += " (default 0)" // pflag leaves that out
		}
		add(row.group, row, def)
	}
	for _, row := range switches() {
		add(groupOther, row, "")
	}
	return sets
}

func foreignVariables() string {
	var names []string
	for _, row := range table() {
		if row.env != "" {
			names = append(names, "$"+row.env+" (--"+row.name+")")
		}
	}
	return strings.Join(slices.Compact(names), ", ")
}

// writeFilled writes text in lines of at most width columns, each with the
// prefix; a word that is longer has a line of its own.
func writeFilled(b *bytes.Buffer, prefix string, width int, text string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(prefix))+len([]rune(line))+1+len([]rune(word)) <= width:
			line += " " + word
		default:
			b.WriteString(prefix + line + "\n")
			line = word
		}
	}
	b.WriteString(prefix + line + "\n")
}
