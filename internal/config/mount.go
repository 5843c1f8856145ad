package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
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

// Title is what people call the whole: Name, or the first application.
func (s *Settings) Title() string { return cmp.Or(s.Name, s.Applications()[0].Target) }

// mounts is the path of the application that is the target, and what else is served.
// Each is given, or left to a weaker source, by itself.
type mounts struct{}

func (mounts) wants() string {
	return `a path such as /app, without a slash at the end, or empty; with =TARGET behind it, another application, /api=api.wsgi:application or example.org/=shop:app, as often as there are any; ` +
		`or [[mount]] tables with path, hosts, target, threads, timeout and limit_request_body`
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

// mountKeys are what a [[mount]] table has: how each sets the mount, and what it wants.
var mountKeys = []struct {
	key, want string
	set       func(m *Mount, value any) bool
}{
	{"path", "a path such as /api, or /", func(m *Mount, value any) bool {
		text, ok := value.(string)
		m.Path = strings.TrimSuffix(text, "/")
		return ok && text != "" && isMountPath(m.Path)
	}},
	{"hosts", wantHosts, func(m *Mount, value any) bool {
		list, ok := value.([]any)
		if one, is := value.(string); is {
			list, ok = []any{one}, true
		}
		var err error
		m.Hosts, err = hosts(list)
		return ok && err == nil
	}},
	{"target", "an application: module:callable, or a .py or .wsgi file", func(m *Mount, value any) bool {
		text, ok := value.(string)
		m.Target = text
		return ok && text != "" && isPath(text)
	}},
	{"threads", "a whole number of threads, from 1 on", func(m *Mount, value any) bool {
		n, ok := value.(int64)
		m.Threads = int(n)
		return ok && 1 <= n && n <= mostThreads
	}},
	{"timeout", "a time from 0 to 24h, in seconds or with a unit: 30, 500ms, 2m", func(m *Mount, value any) bool {
		d, ok := duration(nil, 0, longestTimeout).(scalar[time.Duration]).take(value)
		m.Timeout = &d
		return ok
	}},
	{"limit_request_body", "a size, such as 65536, 64K or 10M (K is 1024)", func(m *Mount, value any) bool {
		n, ok := size[int64](nil, 0, mostBytes).(scalar[int64]).take(value)
		m.LimitRequestBody = &n
		return ok
	}},
}

// What no mount goes beyond.
const (
	mostThreads    = 1 << 10
	longestTimeout = 24 * time.Hour
	mostBytes      = 1<<63 - 1
)

const wantHosts = `a list of host names without https:// or a port, such as ["example.org", ".example.org"]; one with a dot in front is that name and all below it`

func (k mounts) table(given map[string]any) (m Mount, err error) {
	var errs []error
	var names []string
	for _, each := range mountKeys {
		names = append(names, each.key)
		if value, ok := given[each.key]; ok && !each.set(&m, value) {
			errs = append(errs, fmt.Errorf("%s of [[mount]] must be %s, not %s", each.key, each.want, shown(value)))
		}
	}
	for key := range given {
		if !slices.Contains(names, key) {
			if meant := suggestion(key, names); meant != "" {
				errs = append(errs, fmt.Errorf("[[mount]] has no key %s; did you mean %s?", key, meant))
			} else {
				errs = append(errs, fmt.Errorf("[[mount]] has no key %s; it has %s", key, strings.Join(names, ", ")))
			}
		}
	}
	_, hasPath := given["path"]
	switch {
	case len(errs) > 0:
	case m.Target == "" && (len(given) > 1 || !hasPath):
		errs = append(errs, errors.New("[[mount]] without a target says with path, and nothing else, where the main application is; add target = \"module:callable\""))
	case !hasPath && len(m.Hosts) == 0:
		errs = append(errs, fmt.Errorf("[[mount]] of %s has neither path nor hosts; add path = \"/…\"", m.Target))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return m, errors.Join(errs...)
}

func (mounts) encode(s *Settings) any {
	if len(s.Mounts) == 0 {
		return s.Mount
	}
	return mountTables{s.Mount, s.Mounts}
}

// mountTables writes mounts as inline tables: what stands behind a [[mount]] in the
// file would belong to it.
type mountTables struct {
	path   string
	mounts []Mount
}

// MarshalTOML is the value, as toml has it written.
func (t mountTables) MarshalTOML() ([]byte, error) {
	var b strings.Builder
	b.WriteString("[\n")
	if t.path != "" {
		fmt.Fprintf(&b, "    {path = %s},\n", tomlText(t.path))
	}
	for _, m := range t.mounts {
		fmt.Fprintf(&b, "    {path = %s", tomlText(cmp.Or(m.Path, "/")))
		if len(m.Hosts) > 0 {
			var names []string
			for _, host := range m.Hosts {
				names = append(names, tomlText(host))
			}
			fmt.Fprintf(&b, ", hosts = [%s]", strings.Join(names, ", "))
		}
		fmt.Fprintf(&b, ", target = %s", tomlText(m.Target))
		if m.Threads > 0 {
			fmt.Fprintf(&b, ", threads = %d", m.Threads)
		}
		if m.Timeout != nil {
			fmt.Fprintf(&b, ", timeout = %s", tomlText(m.Timeout.String()))
		}
		if m.LimitRequestBody != nil {
			fmt.Fprintf(&b, ", limit_request_body = %s", tomlText(sizeText(*m.LimitRequestBody)))
		}
		b.WriteString("},\n")
	}
	b.WriteString("]")
	return []byte(b.String()), nil
}

// String has all that stands in the file, which is to be text.
func (t mountTables) String() string {
	text, _ := t.MarshalTOML()
	return string(text)
}

// tomlText is a string as TOML has it.
func tomlText(text string) string {
	_, value, _ := strings.Cut(string(mustMarshal(map[string]string{"x": text})), "= ")
	return strings.TrimSpace(value)
}

func mustMarshal(value any) []byte {
	text, err := toml.Marshal(value)
	if err != nil {
		panic("config: " + err.Error()) // a string is TOML
	}
	return text
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
