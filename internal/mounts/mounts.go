package mounts

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/load"
)

// Table is the applications by host and path. They have numbers, which are those of
// config.Settings.Applications.
type Table struct {
	entries []Entry
	allowed []string // hosts; nil: all
	whole   bool     // there is one application, and everything is for it
}

// Entry is a place that an application has.
type Entry struct {
	Path   string // without a slash at the end; empty is the root
	Host   string // a pattern, see matches; empty: every host
	Number int
}

// New makes the table of settings.
func New(s *config.Settings) *Table {
	t := &Table{}
	for number, m := range s.Applications() {
		if len(m.Hosts) == 0 {
			t.entries = append(t.entries, Entry{m.Path, "", number})
		}
		for _, host := range m.Hosts {
			t.entries = append(t.entries, Entry{m.Path, host, number})
		}
	}
	slices.SortStableFunc(t.entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(rank(b.Host), rank(a.Host)), cmp.Compare(len(b.Host), len(a.Host)))
	})
	if len(s.AllowedHosts) > 0 && !slices.Contains(s.AllowedHosts, "*") {
		t.allowed = slices.Clone(s.AllowedHosts)
		for _, e := range t.entries {
			if e.Host != "" {
				t.allowed = append(t.allowed, e.Host)
			}
		}
	}
	t.whole = len(t.entries) == 1 && t.entries[0] == Entry{} && t.allowed == nil
	return t
}

// rank is how exactly a pattern says which host.
func rank(pattern string) int {
	switch {
	case pattern == "":
		return 0
	case pattern[0] == '.' || pattern[0] == '*':
		return 1
	default:
		return 2
	}
}

// Whole tells whether there is one application, for all paths of all hosts.
func (t *Table) Whole() bool { return t.whole }

// Entries are the places, in the order in which they are asked: the first that fits has
// the request.
func (t *Table) Entries() []Entry { return t.entries }

// Allowed are patterns of the hosts that are served; nil: all are.
func (t *Table) Allowed() []string { return t.allowed }

// Find says which application a request is for. host is as the client sent it, path is
// decoded.
func (t *Table) Find(host, path string) (number int, found bool) {
	if t.whole {
		return 0, true
	}
	name := nameOf(host)
	for _, e := range t.entries {
		if below(path, e.Path) && matches(e.Host, name) {
			return e.Number, true
		}
	}
	return 0, false
}

// Allows tells whether allowed_hosts lets a host in.
func (t *Table) Allows(host string) bool {
	if t.allowed == nil {
		return true
	}
	name := nameOf(host)
	return slices.ContainsFunc(t.allowed, func(pattern string) bool { return matches(pattern, name) })
}

// Knows tells whether anything is served for a host.
func (t *Table) Knows(host string) bool {
	name := nameOf(host)
	return t.Allows(host) && slices.ContainsFunc(t.entries, func(e Entry) bool { return matches(e.Host, name) })
}

// Local is a host to ask for what is at a path, for who has none in particular.
func (t *Table) Local(path string) string {
	const local = "localhost"
	if _, found := t.Find(local, path); found && t.Allows(local) {
		return local
	}
	for _, e := range t.entries {
		for _, pattern := range append([]string{e.Host}, t.allowed...) {
			name := strings.TrimLeft(pattern, "*.")
			if rank(pattern) == 1 {
				name = "www." + name
			}
			if name != "" && below(path, e.Path) && matches(e.Host, name) && t.Allows(name) {
				return name
			}
		}
	}
	return local
}

// below tells whether a path is a mount's.
func below(path, mount string) bool {
	return strings.HasPrefix(path, mount) && (len(path) == len(mount) || mount == "" || path[len(mount)] == '/')
}

// matches tells whether a pattern fits a host's name: the name itself; .name for it and
// all below it; *.name for all below it; empty for all.
func matches(pattern, name string) bool {
	switch {
	case pattern == "":
		return true
	case pattern[0] == '*':
		return len(name) >= len(pattern) && strings.HasSuffix(name, pattern[1:])
	case pattern[0] == '.':
		return name == pattern[1:] || strings.HasSuffix(name, pattern)
	default:
		return name == pattern
	}
}

// nameOf is the name of a host without the port, in lower case. A dot at its end says
// that it is complete, as all are.
func nameOf(host string) string {
	if end := strings.IndexByte(host, ']'); strings.HasPrefix(host, "[") && end > 0 {
		return lower(host[:end+1])
	}
	name, _, _ := strings.Cut(host, ":")
	return lower(strings.TrimSuffix(name, "."))
}

// lower is for ASCII alone: names have no other letters, and what only looks like one
// when it is small is no name.
func lower(name string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}, name)
}

// Targets are the applications of settings, as they are loaded. The main one needs no
// name in messages.
func Targets(s *config.Settings) []load.Target {
	var targets []load.Target
	for i, m := range s.Applications() {
		t := load.Target{Mount: m.Name(), Spec: m.Target}
		if i == 0 && s.Target != "" {
			t.Mount = ""
		}
		targets = append(targets, t)
	}
	return targets
}

// Quotas are, by application, how many threads it may have at once; 0: all.
func Quotas(s *config.Settings) []int {
	var quotas []int
	for _, m := range s.Applications() {
		quotas = append(quotas, m.Threads)
	}
	return quotas
}

// Names are what the applications are called, by number.
func Names(s *config.Settings) []string {
	var names []string
	for _, m := range s.Applications() {
		names = append(names, m.Name())
	}
	return names
}
