package config

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHelpNamesEveryOptionUnderItsHeadingAndFits(t *testing.T) {
	var b strings.Builder
	if err := WriteHelp(&b, 80); err != nil {
		t.Fatal(err)
	}
	help := b.String()
	for line := range strings.Lines(help) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	sections := strings.Split(help, "\n\n")
	for _, row := range slices.Concat(table(), switches()) {
		if row.positional {
			continue
		}
		group := row.group
		if group == "" {
			group = groupOther
		}
		if !slices.ContainsFunc(sections, func(section string) bool {
			return strings.HasPrefix(section, group+":\n") && strings.Contains(section, " --"+row.name+" ")
		}) {
			t.Errorf("--%s is not under %s", row.name, group)
		}
	}
	words := strings.Join(strings.Fields(help), " ")
	for _, row := range table() {
		if row.meta == "" || row.def == "" || row.def == combinedLog {
			continue
		}
		_, text, _ := strings.Cut(words, " --"+row.name+" "+row.meta+without(row)+" ")
		if text, _, _ = strings.Cut(text, ")"); !strings.HasSuffix(text, "(default "+row.def) {
			t.Errorf("--%s does not say that %s is its default: %s", row.name, row.def, text)
		}
	}
	for _, set := range flagSets() {
		if n := strings.Count(help, "\n"+set.Name()+":\n"); n != 1 {
			t.Errorf("%s is in %d pieces", set.Name(), n)
		}
	}
	for _, part := range []string{"TARGET", "$PORT (--bind)", "$WEB_CONCURRENCY (--workers)", "(default 127.0.0.1:8000)"} {
		if !strings.Contains(help, part) {
			t.Errorf("%q is missing", part)
		}
	}
}

// without is what --help says of a flag that may do without a value.
func without(row setting) string {
	if row.bare == "" {
		return ""
	}
	return "[=" + row.bare + "]"
}

func TestHelpSurvivesAnyWidth(t *testing.T) {
	for _, width := range []int{-1, 0, 1, 20, 40, 60, 200} {
		var b strings.Builder
		if err := WriteHelp(&b, width); err != nil || !strings.Contains(b.String(), "--print-config") {
			t.Errorf("width %d: %s", width, b.String())
		}
	}
}
