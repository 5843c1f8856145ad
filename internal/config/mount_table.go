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
	{"allow", wantPeers, func(m *Mount, value any) (ok bool) {
		m.Allow, ok = peersOf(value)
		return ok
	}},
	{"deny", wantPeers, func(m *Mount, value any) (ok bool) {
		m.Deny, ok = peersOf(value)
		return ok
	}},
	{"basic_auth", `a file made with htpasswd -B, or "" for none`, func(m *Mount, value any) bool {
		text, ok := value.(string)
		m.BasicAuth = &text
		return ok && (text == "" || isPath(text))
	}},
	{"static", `a list of /path=DIR, such as ["/static=assets"], written as it is and below the path of the mount`, func(m *Mount, value any) bool {
		var s Settings
		err := list{field: func(s *Settings) *[]string { return &s.Static }, item: mountedItem}.decode(&s, value)
		m.Static = s.Static
		return err == nil
	}},
}

const wantPeers = "a list of IP addresses, networks such as 10.0.0.0/8, unix, or *"

// peersOf are addresses as allow and deny have them. None are an empty list, not nil,
// which on the way to workers (JSON) would become no list.
func peersOf(value any) (*[]string, bool) {
	var s Settings
	err := list{field: func(s *Settings) *[]string { return &s.Allow }, item: neighbour, commas: true}.decode(&s, value)
	peers := append([]string{}, s.Allow...)
	return &peers, err == nil
}

// mountedItem is an item of a mount's static: Django's settings are not asked for one.
func mountedItem(item string) (string, error) {
	urlPath, folder := Mapping(item)
	if urlPath == "" {
		return "", errors.New("must be /path=DIR")
	}
	return mapping(urlPath, folder)
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
			fmt.Fprintf(&b, ", hosts = %s", tomlTexts(m.Hosts))
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
		if m.Allow != nil {
			fmt.Fprintf(&b, ", allow = %s", tomlTexts(*m.Allow))
		}
		if m.Deny != nil {
			fmt.Fprintf(&b, ", deny = %s", tomlTexts(*m.Deny))
		}
		if m.BasicAuth != nil {
			fmt.Fprintf(&b, ", basic_auth = %s", tomlText(*m.BasicAuth))
		}
		if len(m.Static) > 0 {
			fmt.Fprintf(&b, ", static = %s", tomlTexts(m.Static))
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

// tomlTexts is a list of strings as TOML has it.
func tomlTexts(texts []string) string {
	var all []string
	for _, text := range texts {
		all = append(all, tomlText(text))
	}
	return "[" + strings.Join(all, ", ") + "]"
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
