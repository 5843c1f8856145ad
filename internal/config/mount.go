package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Mount is an application of some hosts, below a path.
type Mount struct {
	Path   string   `json:"path"`            // without a slash at the end; empty is the root
	Hosts  []string `json:"hosts,omitempty"` // see hostName; none: every host
	Target string   `json:"target"`
	// Threads is how many of the pool's threads it may have at once; 0: all.
	Threads int `json:"threads,omitempty"`
	// What is nil is as the setting of that name is for all.
	Timeout          *time.Duration `json:"timeout,omitempty"`
	LimitRequestBody *int64         `json:"limit_request_body,omitempty"`
	Allow            *[]string      `json:"allow,omitempty"` // with one of these two,
	Deny             *[]string      `json:"deny,omitempty"`  // what is nil is empty
	BasicAuth        *string        `json:"basic_auth,omitempty"`
	// Static are files below Path: "/path=DIR".
	Static []string `json:"static,omitempty"`
}

// Name is what the mount is called, which no other one of the settings is: its path,
// behind its first host if it has one.
func (m Mount) Name() string {
	host := ""
	if len(m.Hosts) > 0 {
		host = m.Hosts[0]
	}
	return host + cmp.Or(m.Path, "/")
}

// Applications are all that is served: Target, unless there is none, then the Mounts.
func (s *Settings) Applications() []Mount {
	if s.Target == "" && len(s.Mounts) > 0 {
		return s.Mounts
	}
	return append([]Mount{{Path: s.Mount, Target: s.Target}}, s.Mounts...)
}

// Guard is who may send requests for an application: addresses, as Allow and Deny have
// them, and a file of passwords, as BasicAuth.
type Guard struct {
	Allow, Deny []string
	BasicAuth   string
}

// IsOpen tells whether everybody may.
func (g Guard) IsOpen() bool { return len(g.Allow)+len(g.Deny) == 0 && g.BasicAuth == "" }

// Guard is that of requests which are for no application.
func (s *Settings) Guard() Guard { return Guard{s.Allow, s.Deny, s.BasicAuth} }

// GuardOf is that of an application.
func (s *Settings) GuardOf(m Mount) Guard {
	g := s.Guard()
	if m.Allow != nil || m.Deny != nil {
		g.Allow, g.Deny = valueOf(m.Allow), valueOf(m.Deny)
	}
	if m.BasicAuth != nil {
		g.BasicAuth = *m.BasicAuth
	}
	return g
}

func valueOf[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}

// Title is what people call the whole: Name, or the first application.
func (s *Settings) Title() string { return cmp.Or(s.Name, s.Applications()[0].Target) }

// mounts is the path of the application that is the target, and what else is served.
// Each is given, or left to a weaker source, by itself.
type mounts struct{}

func (mounts) wants() string {
	return `a path such as /app, without a slash at the end, or empty; with =TARGET behind it, another application, /api=api.wsgi:application or example.org/=shop:app, as often as there are any; ` +
		`or [[mount]] tables with path, hosts, target and more`
}

// lines makes the texts for parse out of an environment variable: one a line.
func (mounts) lines(variable string) []string { return strings.Split(variable, "\n") }

func (k mounts) parse(s *Settings, texts []string) error {
	var items []any
	for _, text := range texts {
		items = append(items, text)
	}
	return k.set(s, items)
}

func (k mounts) decode(s *Settings, value any) error {
	switch v := value.(type) {
	case string:
		return k.set(s, []any{v})
	case []any:
		return k.set(s, v)
	case []map[string]any:
		var items []any
		for _, table := range v {
			items = append(items, table)
		}
		return k.set(s, items)
	}
	return fmt.Errorf("must be %s; not %s", k.wants(), shown(value))
}

func (k mounts) set(s *Settings, items []any) error {
	var errs []error
	var path *string
	var all []Mount
	for _, item := range items {
		m, err := k.read(item)
		switch {
		case err != nil:
			errs = append(errs, err)
		case m.Target == "":
			path = &m.Path
		default:
			all = append(all, m)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if path != nil {
		s.Mount = *path
	}
	if len(all) > 0 || len(items) == 0 {
		s.Mounts = all
	}
	return nil
}

// read makes a mount of one item. One without a target is the path of the main one.
func (k mounts) read(item any) (m Mount, err error) {
	switch v := item.(type) {
	case string:
		return k.line(v)
	case map[string]any:
		return k.table(v)
	}
	return m, fmt.Errorf("must be %s; not %s", k.wants(), shown(item))
}

func (k mounts) line(text string) (m Mount, err error) {
	place, target, others := strings.Cut(text, "=")
	if !others {
		if !isMountPath(text) {
			return m, fmt.Errorf("must be %s; not %s", k.wants(), shown(text))
		}
		return Mount{Path: text}, nil
	}
	if scheme, host, path, is := cutURL(place); is {
		return m, fmt.Errorf("%s: a host is written without %s://; write %s", shown(text), scheme, shown(host+path+"="+target))
	}
	if host, _, _ := strings.Cut(place, "/"); host != "" {
		if m.Hosts, err = hosts([]any{host}); err != nil {
			return m, fmt.Errorf("%s: %w", shown(text), err)
		}
		place = place[len(host):]
	}
	m.Path, m.Target = strings.TrimSuffix(place, "/"), target
	if strings.HasSuffix(m.Path, "/") || !isMountPath(m.Path) || place == "" && len(m.Hosts) == 0 {
		return m, fmt.Errorf("%s: the path before the = must be one such as /api", shown(text))
	}
	if target == "" || !isPath(target) {
		return m, fmt.Errorf("%s: behind the = there must be an application: module:callable, or a .py or .wsgi file", shown(text))
	}
	return m, nil
}

// checkMounts: one application for each place.
func (l *loader) checkMounts() {
	s := &l.settings
	if len(s.Mounts) == 0 || l.refused["mount"] {
		return
	}
	source := l.origin["mount"]
	if s.Target == "" && s.Mount != "" {
		l.complain(source, "mount", shown(s.Mount)+" is where the target is, and there is none; write "+shown(s.Mount+"=module:callable")+", or name the target")
	}
	for _, m := range s.Mounts {
		if m.Path == "" && len(m.Hosts) == 1 && !strings.ContainsAny(m.Hosts[0], ".:") && m.Hosts[0] != "localhost" {
			l.notes = append(l.notes, Note{Text: source + ": " + m.Hosts[0] + "=" + m.Target + " is for the host " + m.Hosts[0] + "; what is below a path is written /" + m.Hosts[0] + "=" + m.Target})
		}
		if allow := valueOf(m.Allow); len(allow) > 1 && slices.Contains(allow, everyPeer) {
			l.complain(source, "mount", "allow of "+m.Name()+": * allows every address, the others say that only some are allowed; leave out one or the other")
		}
		seen := map[string]bool{}
		for _, item := range m.Static {
			urlPath, _ := Mapping(item)
			if seen[urlPath] {
				l.complain(source, "mount", "static of "+m.Name()+": "+shown(urlPath)+" is given twice; leave out one of them")
			}
			seen[urlPath] = true
		}
	}
	taken := map[string]Mount{}
	for _, m := range s.Applications() {
		for _, host := range m.hostsOrAll() {
			place := host + m.Path
			if other, is := taken[place]; is {
				l.complain(source, "mount", fmt.Sprintf("%s and %s are both at %s; give one of them another path, or other hosts", other.Target, m.Target, host+cmp.Or(m.Path, "/")))
				break
			}
			taken[place] = m
		}
	}
}

// hostsOrAll has an empty name for all hosts.
func (m Mount) hostsOrAll() []string {
	if len(m.Hosts) == 0 {
		return []string{""}
	}
	return m.Hosts
}
