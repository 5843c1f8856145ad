package config

import (
	"slices"
	"strings"
	"testing"
)

func TestFilesAreCheckedAtStart(t *testing.T) {
	for args, want := range map[string]string{
		"--static /static=a --static /static/=b app":       `"/static" is given twice`,
		"--static /=a app":                                 "document_root",
		"--static static=a app":                            "must be /path=DIR",
		"--static /static= app":                            "names no folder",
		"--static /a/../b=x app":                           "no dot segments",
		"--static /a%20b=x app":                            "no dot segments",
		"--static /a//b=x app":                             "no dot segments",
		"--mount /static/app --static /static=x app":       "would take all paths",
		"--sendfile-root /x=a --sendfile-root /x=b app":    `"/x" is given twice`,
		"--sendfile-root a --sendfile-root a app":          `"a" is given twice`,
		"--static /s=a --static-index .hidden app":         "without a dot",
		"--static /s=a --static-symlinks yes app":          "inside, never or anywhere",
		"--static-map /static=x app":                       "write --static /static=x",
		"--check-static public app":                        "write --document-root public",
		"--static django --static django app":              `"django" is given twice`,
		"--static /static=a --static-max-age -1 app":       "a time from 0",
		"--static /static=a --static-immutable always app": "auto or never",
	} {
		if got := strings.Join(problems(t, words(args), nil, nil), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: %q", args, got)
		}
	}
	s := mustLoad(t, words("--static /static/=assets --static /Médias=a=b --sendfile-root /srv/media --sendfile-root /p/=x app"), nil, nil).Settings
	if !slices.Equal(s.Static, []string{"/static=assets", "/Médias=a=b"}) || !slices.Equal(s.SendfileRoot, []string{"/srv/media", "/p=x"}) {
		t.Errorf("%q, %q", s.Static, s.SendfileRoot)
	}
	if path, folder := Mapping("/Médias=a=b"); path != "/Médias" || folder != "a=b" {
		t.Errorf("%q %q", path, folder)
	}
	inv := mustLoad(t, words("--static-listing app"), nil, nil)
	if len(inv.Notes) != 1 || !strings.Contains(inv.Notes[0].Text, "static_listing") {
		t.Errorf("%v", inv.Notes)
	}
}
