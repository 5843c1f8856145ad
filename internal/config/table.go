package config

import (
	"math"
	"strings"
	"time"
)

// setting is one row of the table: everything there is to know about one
// field of [Settings].
type setting struct {
	name       string   // the long flag without its dashes, Gunicorn's spelling
	short      string   // the one-letter flag, if Gunicorn has one
	aliases    []string // other long flags for the same, Gunicorn's again
	positional bool     // given as an argument, not as a flag
	group      string   // the heading it stands under
	meta       string   // what --help calls the value
	kind       kind     // type, range and field
	def        string   // default, written as on the command line
	help       string   // one sentence, for --help and config.toml
	more       string   // what else config.toml says about it

	// env is a variable that hosting platforms set and Gunicorn honours. It
	// is weaker than $GOWSGI_…, and envText makes the setting's text of it.
	env     string
	envText func(string) string

	// gunicorn is the name in a gunicorn.conf.py where it is another one:
	// whoever carries it over into TOML is told the name it has here.
	gunicorn string
}

// key is the name of the setting in a TOML file.
func (s setting) key() string { return strings.ReplaceAll(s.name, "-", "_") }

// variable is the name of the setting in the environment.
func (s setting) variable() string { return variablePrefix + strings.ToUpper(s.key()) }

// flag is how messages name the setting on the command line.
func (s setting) flag() string {
	if s.positional {
		return strings.ToUpper(s.name)
	}
	return "--" + s.name
}

// The headings of --help and config.toml.
const (
	groupApplication = "Application"
	groupPython      = "Python"
	groupListening   = "Listening"
	groupWorkers     = "Workers"
	groupTimeouts    = "Timeouts"
	groupLimits      = "Limits"
	groupProxies     = "Proxies"
	groupLogging     = "Logging"
	groupOther       = "Other"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// combinedLog is Gunicorn's default access log format, which is Apache's
// "combined".
const combinedLog = `%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"`

// table returns all settings, in the order in which people read them; the
// rows of a group stand together.
func table() []setting {
	return []setting{
		{
			name: "target", group: groupApplication, positional: true, gunicorn: "wsgi_app",
			kind: text(func(s *Settings) *string { return &s.Target }, "one line of text"),
			help: "The application: module:callable, a factory module:make(), or a .py or .wsgi file.",
			more: "Without a callable, application is tried, then app.",
		},
		{
			name: "chdir", group: groupApplication, meta: "DIR",
			kind: text(func(s *Settings) *string { return &s.Chdir }, "a directory, as one line of text"),
			help: "Change to this directory first; relative paths count from it.",
			more: "Empty: the directory that gowsgi is started in. The paths of -c, venv and chdir itself always count from that one.",
		},
		{
			name: "env", short: "e", group: groupApplication, meta: "NAME=value", gunicorn: "raw_env",
			kind: list{field: func(s *Settings) *[]string { return &s.Env }, item: environmentEntry, want: "NAME=value"},
			help: "Set an environment variable for the application; may be repeated.",
			more: "In $GOWSGI_ENV: one NAME=value a line.",
		},
		{
			name: "mount", group: groupApplication, meta: "PATH", env: "SCRIPT_NAME",
			kind: mountPath(func(s *Settings) *string { return &s.Mount }),
			help: "Serve the application below this path, which becomes SCRIPT_NAME.",
			more: "Requests outside of it get a 404.",
		},
		{
			name: "venv", group: groupPython, meta: "DIR",
			kind: text(func(s *Settings) *string { return &s.Venv }, "a directory, as one line of text"),
			help: "The application's virtualenv; else $VIRTUAL_ENV, else the python3 on PATH.",
		},
		{
			name: "pythonpath", group: groupPython, meta: "DIRS",
			kind: list{field: func(s *Settings) *[]string { return &s.Pythonpath }, item: plainText, want: "a directory", commas: true},
			help: "Directories to put in front of sys.path, with commas between them.",
		},
		{
			name: "bind", short: "b", group: groupListening, meta: "ADDRESS", def: "127.0.0.1:8000",
			env: "PORT", envText: func(port string) string { return "0.0.0.0:" + port },
			kind: list{field: func(s *Settings) *[]string { return &s.Bind }, item: address, want: "host:port, [v6]:port, :port or unix:PATH", commas: true, least: 1},
			help: "Listen on host:port or unix:PATH; may be repeated.",
			more: "A host without a port gets 8000; :port is all interfaces. $PORT means 0.0.0.0:$PORT.",
		},
		{
			name: "backlog", group: groupListening, meta: "N", def: "2048",
			kind: number(func(s *Settings) *int { return &s.Backlog }, 1, math.MaxUint16),
			help: "Connections that may wait in the kernel to be accepted.",
			more: "The kernel caps it at net.core.somaxconn.",
		},
		{
			name: "workers", short: "w", group: groupWorkers, meta: "N", def: "1", env: "WEB_CONCURRENCY",
			kind: number(func(s *Settings) *int { return &s.Workers }, 1, 512),
			help: "Worker processes, each with a CPython of its own.",
		},
		{
			name: "threads", group: groupWorkers, meta: "N", def: "8",
			kind: number(func(s *Settings) *int { return &s.Threads }, 1, 1024),
			help: "Python threads in each worker.",
			more: "This many requests can be inside the application at once; how many are is adapted to what they do.",
		},
		{
			name: "backlog-requests", group: groupWorkers, meta: "N", def: "1024",
			kind: number(func(s *Settings) *int { return &s.BacklogRequests }, 1, 1_000_000),
			help: "Requests that may wait for a thread in each worker; one more gets a 503.",
		},
		{
			name: "header-timeout", group: groupTimeouts, meta: "SECONDS", def: "20",
			kind: duration(func(s *Settings) *time.Duration { return &s.HeaderTimeout }, time.Millisecond, time.Hour),
			help: "A client has this long to send its request line and headers.",
			more: "It cannot be switched off: such clients would collect until no connection is left.",
		},
		{
			name: "keep-alive", group: groupTimeouts, meta: "SECONDS", def: "75", gunicorn: "keepalive",
			kind: duration(func(s *Settings) *time.Duration { return &s.KeepAlive }, 0, 24*time.Hour),
			help: "Keep an idle connection open this long; 0 closes it after each response.",
			more: "An idle connection holds no thread, so this is nginx's value, not Gunicorn's 2. A load balancer in front should give up first: most do so after 60 s.",
		},
		{
			name: "graceful-timeout", group: groupTimeouts, meta: "SECONDS", def: "30",
			kind: duration(func(s *Settings) *time.Duration { return &s.GracefulTimeout }, 0, 24*time.Hour),
			help: "When stopping, running requests have this long to finish.",
		},
		{
			name: "limit-request-line", group: groupLimits, meta: "SIZE", def: "4094",
			kind: size(func(s *Settings) *int { return &s.LimitRequestLine }, 0, 8190),
			help: "Longest request line; 0: no limit. A longer one gets a 414.",
		},
		{
			name: "limit-request-fields", group: groupLimits, meta: "N", def: "100",
			kind: number(func(s *Settings) *int { return &s.LimitRequestFields }, 1, 32768),
			help: "Most header fields in a request. One more gets a 431.",
		},
		{
			name: "limit-request-field_size", group: groupLimits, meta: "SIZE", def: "8190",
			kind: size(func(s *Settings) *int { return &s.LimitRequestFieldSize }, 0, mib),
			help: "Longest header field; 0: no limit. A longer one gets a 431.",
		},
		{
			name: "limit-request-body", group: groupLimits, meta: "SIZE", def: "0",
			kind: size(func(s *Settings) *int64 { return &s.LimitRequestBody }, 0, math.MaxInt64),
			help: "Largest request body; 0: no limit. A larger one gets a 413.",
		},
		{
			name: "request-buffer", group: groupLimits, meta: "SIZE", def: "1M",
			kind: size(func(s *Settings) *int { return &s.RequestBuffer }, 0, gib),
			help: "Read bodies up to this size before a thread is taken.",
			more: "A larger body streams into wsgi.input while the application runs.",
		},
		{
			name: "response-buffer", group: groupLimits, meta: "SIZE", def: "1M",
			kind: size(func(s *Settings) *int { return &s.ResponseBuffer }, 4*kib, gib),
			help: "A response may run this far ahead of its client.",
		},
		{
			name: "forwarded-allow-ips", group: groupProxies, meta: "IPS", def: "127.0.0.1,::1", env: "FORWARDED_ALLOW_IPS",
			kind: list{field: func(s *Settings) *[]string { return &s.ForwardedAllowIPs }, item: peer, want: "an IP address, a network such as 10.0.0.0/8, or *", commas: true},
			help: "Proxies whose X-Forwarded-… is believed: addresses, networks, or * for all.",
		},
		{
			name: "log-level", group: groupLogging, meta: "LEVEL", def: "info", gunicorn: "loglevel",
			kind: choice(func(s *Settings) *string { return &s.LogLevel }, "debug", "info", "warning", "error", "critical"),
			help: "Least serious records to log: debug, info, warning, error or critical.",
		},
		{
			name: "error-logfile", aliases: []string{"log-file"}, group: groupLogging, meta: "FILE", def: "-", gunicorn: "errorlog",
			kind: filledText(func(s *Settings) *string { return &s.ErrorLogfile }, "a file, as one line of text, or -"),
			help: "The log; - is standard error. --log-file is the same.",
		},
		{
			name: "access-logfile", group: groupLogging, meta: "FILE", gunicorn: "accesslog",
			kind: text(func(s *Settings) *string { return &s.AccessLogfile }, "a file, as one line of text"),
			help: "The access log; - is standard output, empty is none.",
		},
		{
			name: "access-logformat", group: groupLogging, meta: "FORMAT", def: combinedLog, gunicorn: "access_log_format",
			kind: logformat(func(s *Settings) *string { return &s.AccessLogformat }),
			help: "A line of the access log, with Gunicorn's atoms: %(h)s, %(r)s, …",
		},
		{
			name: "pid", short: "p", group: groupOther, meta: "FILE", gunicorn: "pidfile",
			kind: text(func(s *Settings) *string { return &s.Pid }, "a file, as one line of text"),
			help: "Write the process id to this file.",
		},
	}
}
