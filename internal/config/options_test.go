package config

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// What docs/deploy.md sets, there is.
func TestVariablesAndOptionsOfTheDeploymentGuideExist(t *testing.T) {
	text, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	known := []string{
		"--include", "--exclude", "--with-libc", "--full", "--files", "--sbom", // of build and inspect
		"--noinput", "--no-cache-dir", "--read-only", "--tmpfs", "--from", "--now", "--onefile", // of others
		"GOWSGI_CONFIG",
	}
	for _, option := range Options() {
		known = append(known, "--"+option.Name, option.Variable)
	}
	found := regexp.MustCompile(`\bGOWSGI_[A-Z_]+|--[a-z][a-z-]+`).FindAllString(string(text), -1)
	if len(found) < 20 {
		t.Fatalf("only %q are found", found)
	}
	for _, name := range found {
		if !slices.Contains(known, name) {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestOptionsAreAllThatTheCommandLineKnows(t *testing.T) {
	var names []string
	for _, option := range Options() {
		names = append(names, option.Name)
		if option.Help == "" || option.Group == "" {
			t.Errorf("of --%s nothing is told", option.Name)
		}
	}
	for _, name := range flagNames() {
		row := slices.IndexFunc(table(), func(row setting) bool { return slices.Contains(row.aliases, name) })
		if !slices.Contains(names, name) && row < 0 {
			t.Errorf("--%s is missing", name)
		}
	}
	at := slices.IndexFunc(Options(), func(o Option) bool { return o.Name == "log-level" })
	if words := Options()[at].Words; !slices.Equal(words, LogLevels()) {
		t.Errorf("%q", words)
	}
}
