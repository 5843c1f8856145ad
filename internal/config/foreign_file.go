package config

import (
	"path/filepath"
	"regexp"
	"strings"
)

// fileMarks are lines by which files for other programs are known.
var fileMarks = []struct {
	mark *regexp.Regexp
	what string // whose the file is
}{
	{regexp.MustCompile(`(?m)^\s*(\[uwsgi\]|<uwsgi>|uwsgi:|\{?\s*"uwsgi"\s*:)`), "for uWSGI"},
	{regexp.MustCompile(`(?m)^\s*\[(app|server|composite|pipeline|filter):\S+\]`), "for Paste"},
	{regexp.MustCompile(`(?mi)^\s*(<VirtualHost|<Directory|WSGI\w+\s|LoadModule\s|DocumentRoot\s)`), "Apache's"},
	{regexp.MustCompile(`(?m)^\s*(server|http|events|upstream\s+\S+|location\s.*)\s*\{`), "nginx's"},
	{regexp.MustCompile(`(?m)^\s*\[(Unit|Service|Socket|Install)\]`), "systemd's"},
	{regexp.MustCompile(`(?m)^\s*\[(program|supervisord|inet_http_server)\b.*\]`), "supervisord's"},
	{regexp.MustCompile(`(?m)^(import \w|from \S+ import |def \w+\()`), "Python, as Gunicorn has it"},
}

// foreignFile says whose a file is that is none of gowsgi's; empty if nobody
// knows.
func foreignFile(path, text string) string {
	for _, known := range fileMarks {
		if known.mark.MatchString(text) {
			return known.what
		}
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".ini":
		return "an ini file, as uWSGI and Paste have"
	case ".yaml", ".yml":
		return "YAML"
	case ".xml":
		return "XML"
	case ".json":
		return "JSON"
	}
	return ""
}

// wayToTOML follows what a file is.
const wayToTOML = "; write its settings to a TOML file (gowsgi --print-config shows one) and name that"
