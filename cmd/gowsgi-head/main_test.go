package main

import (
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/bundle"
)

func TestFolderIsTheOneOfTheCommandLineOrTheEnvironment(t *testing.T) {
	site := &bundle.Site{Manifest: &bundle.Manifest{Scripts: map[string]string{"manage": "app/manage.py"}, Python: bundle.Python{Name: "3.11"}}}
	for args, want := range map[string]string{
		"":                                    "/env",
		"--version":                           "/env",
		"--bundle-dir /a":                     "/a",
		"-w 2 --bundle-dir=/a --threads 4":    "/a",
		"--bundle-dir /a --bundle-dir /b":     "/b",
		"--bundle-dir":                        "/env",
		"-- --bundle-dir /a":                  "/env",
		"python tool.py --bundle-dir /a":      "/env",
		"python3.11 tool.py --bundle-dir=/a":  "/env",
		"manage collect --bundle-dir /a":      "/env",
		"another:application --bundle-dir /a": "/a",
	} {
		environ := func(name string) string { return map[string]string{"GOWSGI_BUNDLE_DIR": "/env"}[name] }
		if got := wanted(site, strings.Fields(args), environ); got != want {
			t.Errorf("%q: %q, want %q", args, got, want)
		}
	}
}
