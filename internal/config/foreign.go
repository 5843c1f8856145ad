package config

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// spelling is a name of an option as flags have it.
type spelling struct{ long, short string }

// spellings are the option's names. A lone letter belongs to the name before
// it, or else has one that nobody can type.
func (o foreignOption) spellings() []spelling {
	var all []spelling
	for _, name := range strings.Fields(o.names) {
		switch n := len(all); {
		case len(name) > 1:
			all = append(all, spelling{long: name})
		case n > 0:
			all[n-1].short = name
		default:
			all = append(all, spelling{"-" + name, name})
		}
	}
	return all
}

// foreignName finds the option of another server with this long name.
func foreignName(name string) (foreignOption, bool) {
	for _, option := range foreignOptions {
		if slices.ContainsFunc(option.spellings(), func(s spelling) bool { return s.long == strings.ReplaceAll(name, "_", "-") }) {
			return option, true
		}
	}
	return foreignOption{}, false
}

// wavers tells whether the option was given and may do without a value: whether a word
// behind it is one, nobody knows.
func (o foreignOption) wavers(given map[string][]string) bool {
	return (o.optional || !o.value) && slices.ContainsFunc(o.spellings(), func(s spelling) bool { return len(given[s.long]) > 0 })
}

// translate says of all options of other servers that were given what to write
// instead: once for those that come to the same.
func (c *commandLine) translate() {
	var sources [][]string
	var advice []string
	for _, option := range foreignOptions {
		for _, name := range option.spellings() {
			for _, value := range c.values[name.long] {
				text := option.advice(value, c.values, onCommandLine)
				i := slices.Index(advice, text)
				if i < 0 {
					i = len(advice)
					sources, advice = append(sources, nil), append(advice, text)
				}
				if source := dashed(name.long); !slices.Contains(sources[i], source) {
					sources[i] = append(sources[i], source)
				}
			}
		}
	}
	for i := range advice {
		c.complain(strings.Join(sources[i], ", "), "", "there is no such option: "+advice[i])
	}
}

func dashed(name string) string {
	if strings.HasPrefix(name, "-") {
		return name
	}
	return "--" + name
}

// advice is what to write for the option and its value. given are all options,
// written how a setting and its value look where they were written.
func (o foreignOption) advice(value string, given map[string][]string, written func(setting, value string) string) string {
	switch {
	case o.odd != nil:
		return o.odd(value)
	case o.setting == "":
		return fill(o.say, value, given)
	}
	return "write " + written(o.setting, fill(o.as, value, given))
}

// noValue stands where the value of an option is missing, or of one that may do
// without.
const noValue = "true"

// fill puts what was given in the places of a text.
func fill(text, value string, given map[string][]string) string {
	last := func(def string, names ...string) string {
		for _, name := range names {
			if all := given[name]; len(all) > 0 && all[len(all)-1] != "" {
				return all[len(all)-1]
			}
		}
		return def
	}
	if value == "" || value == noValue {
		value = "…"
	}
	host, port := last("127.0.0.1", "host"), last(defaultPort, "port")
	target := last("myproject.wsgi", "module", "wsgi", "wsgi-file", "file", "app", "application", "entry-point")
	if name := last("", "callable", "callable-object"); name != "" && !strings.Contains(target, ":") {
		target += ":" + name
	}
	return strings.NewReplacer(
		"{host}:{port}", net.JoinHostPort(strings.Trim(host, "[]"), port), "{target}", target, "{}", value,
	).Replace(text)
}

func onCommandLine(setting, value string) string { return "--" + setting + " " + ShellWord(value) }

// ShellWord is a value as a shell wants it.
func ShellWord(value string) string {
	if strings.ContainsAny(value, " \t'\"$`\\*?[](){}<>|&;#~!") {
		return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}
	return value
}

// inFile is a setting as a TOML file has it, on one line.
func inFile(setting, value string) string {
	key := strings.ReplaceAll(setting, "-", "_")
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return strings.TrimSpace(assignment(key, n))
	}
	return strings.TrimSpace(assignment(key, value))
}

// listenAdvice: Waitress means an address, nginx a port, uWSGI the length of the queue.
func listenAdvice(value string) string {
	if isDigits(value) {
		return "for the port write --bind :" + value + ", for the length of the queue, as in uWSGI, --backlog " + value
	}
	return "write " + onCommandLine("bind", strings.TrimPrefix(value, "*"))
}

// httpAdvice: uWSGI means an address, others a version or a parser.
func httpAdvice(value string) string {
	if strings.Contains(value, ":") {
		return "write " + onCommandLine("bind", value)
	}
	return saySettled
}

// socketAdvice: uWSGI speaks a protocol of its own there.
func socketAdvice(value string) string {
	if !strings.Contains(value, ":") {
		value = "unix:" + value
	}
	return "gowsgi speaks HTTP, not uWSGI's protocol: write " + onCommandLine("bind", value) + ", and in nginx proxy_pass for uwsgi_pass"
}

func interfaceAdvice(value string) string {
	switch strings.ToLower(value) {
	case "wsgi", "auto":
		return "gowsgi serves WSGI only; leave this out"
	}
	return "gowsgi serves WSGI only; name a WSGI application and leave this out"
}

// accessLogAdvice: for some it is a file, for others a switch.
func accessLogAdvice(value string) string {
	switch strings.ToLower(value) {
	case "off", "no", "false":
		return "there is none unless --access-logfile names one; leave this out"
	case noValue, "on", "yes", "":
		value = "-"
	}
	return "write " + onCommandLine("access-logfile", value)
}
