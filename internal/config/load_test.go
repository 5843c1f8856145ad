package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"
)

// files is a readFile with these files and no others.
type files map[string]string

func (f files) read(path string) ([]byte, error) {
	text, ok := f[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

// words splits a command line at its spaces.
func words(line string) []string { return strings.Fields(line) }

// mustLoad fails the test unless the three load without a problem.
func mustLoad(t *testing.T, args, environ []string, f files) Invocation {
	t.Helper()
	inv, err := Load(args, environ, f.read)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// problems returns what Load complains about, a line each.
func problems(t *testing.T, args, environ []string, f files) []string {
	t.Helper()
	_, err := Load(args, environ, f.read)
	if err == nil {
		return nil
	}
	var all *Problems
	if !errors.As(err, &all) || len(all.List) == 0 {
		t.Fatalf("the error is %#v, not *Problems with a list", err)
	}
	var lines []string
	for _, p := range all.List {
		lines = append(lines, p.String())
	}
	return lines
}

func TestDefaultsAreThoseOfTheDocumentation(t *testing.T) {
	want := Settings{
		Bind: []string{"127.0.0.1:8000"}, Backlog: 2048, Workers: 1, Threads: 8, BacklogRequests: 1024, MaxConnections: 16384,
		StartLimit: 5, CertReqs: "none", ACMEDirectory: "https://acme-v02.api.letsencrypt.org/directory",
		Timeout: 30 * time.Second, TimeoutGrace: 10 * time.Second, QueueTimeout: 30 * time.Second,
		KeepAlive: 75 * time.Second, HeaderTimeout: 20 * time.Second, GracefulTimeout: 30 * time.Second,
		BodyTimeout: 20 * time.Second, WriteTimeout: time.Minute, MinRate: 500,
		StartupTimeout: 2 * time.Minute, DeadlockTimeout: time.Minute,
		LimitRequestLine: 4094, LimitRequestHead: 64 << 10, LimitRequestFields: 100, LimitRequestFieldSize: 8190,
		RequestBuffer: 1 << 20, RequestMemory: 256 << 20, RequestSpool: 1 << 30, ResponseSpool: 1 << 30, SpoolLimit: 10 << 30, ResponseBuffer: 1 << 20,
		HTTPProtocols: []string{"h2", "h1"}, HTTP2Cleartext: "off", HTTP2MaxConcurrentStreams: 100, HTTP2InitialWindowSize: 256 << 10, HTTP2MaxFrameSize: 16 << 10,
		ForwardedAllowIPs: []string{"127.0.0.1", "::1", "unix"}, ForwardedFields: []string{"for", "proto"}, ForwardedUntrusted: "auto", ProxyProtocol: "off", ProxyAllowFrom: []string{"127.0.0.1", "::1", "unix"}, MetricsAllowIPs: []string{"127.0.0.1", "::1"},
		StaticIndex: []string{"index.html"}, StaticMaxAge: time.Minute, StaticImmutable: "auto", StaticSymlinks: "inside",
		LogLevel: "info", LogFormat: "text", Color: "auto", ErrorLogfile: "-", SlowRequestThreshold: 5 * time.Second,
		LogSyslogTo: "unix:///dev/log", LogSyslogFacility: "user",
		BasicAuthRealm: "restricted", CompressTypes: []string{"common"}, CompressMinSize: 1024, CompressLevel: 5,
		AccessLogformat: `%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"`,
	}
	if got := Defaults(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEveryFieldOfSettingsHasOneRowAndEveryNameIsUnique(t *testing.T) {
	seen := map[string]bool{}
	unique := func(name string) {
		t.Helper()
		if name != "" && seen[name] {
			t.Errorf("%q is there twice", name)
		}
		seen[name] = true
	}
	for _, row := range append(table(), switches()...) {
		unique(row.name)
		unique(row.short)
		for _, alias := range row.aliases {
			unique(alias)
		}
	}
	var fields []string
	for i := range reflect.TypeFor[Settings]().NumField() {
		fields = append(fields, reflect.TypeFor[Settings]().Field(i).Tag.Get("json"))
	}
	var keys []string
	for _, row := range table() {
		keys = append(keys, row.key())
		// A value that a row decodes must arrive in the field of its key.
		var s Settings
		value := row.kind.encode(&s)
		switch value.(type) {
		case []string:
			value = map[string]any{"env": "A=1", "server_name": "www.example.org", "http_protocols": "h1", "static": "/static=x", "forwarded_fields": "host", "compress_types": "text/*", "add_field": "A: b", "error_page": "404=x.html"}[row.key()]
			if value == nil {
				value = "127.0.0.1"
			}
		case bool:
			value = true
		case string:
			value = map[string]any{
				"log_level": "error", "http2_cleartext": "prior-knowledge", "forwarded_untrusted": "keep", "proxy_protocol": "v2", "static_immutable": "auto", "static_symlinks": "never", "mount": "/x", "warmup": "/x", "response_buffer": int64(4096), "umask": "0027",
				"cert_reqs": "optional", "acme_email": "me@example.org", "acme_directory": "https://ca.example.org/directory", "control": "unix:/x", "metrics": ":9100", "metrics_path": "/m", "health_path": "/-", "statsd_host": "localhost:8125", "request_id_header": "X-Request-ID", "log_format": "json", "limit_rate": "10/s", "color": "never", "log_syslog_to": "udp://localhost:514", "log_syslog_facility": "daemon",
			}[row.key()]
			if value == nil {
				value = "x"
			}
		default:
			value = int64(5000)
			if row.key() == "workers" || row.key() == "threads" || row.key() == "header_timeout" || row.key() == "start_limit" || row.key() == "compress_level" {
				value = int64(7)
			}
			if row.group == groupHTTP2 {
				value = int64(70_000)
			}
		}
		if err := row.kind.decode(&s, value); err != nil {
			t.Errorf("%s = %v: %v", row.key(), value, err)
		}
		for i := range fields {
			if changed := !reflect.ValueOf(s).Field(i).IsZero(); changed != (fields[i] == row.key()) {
				t.Errorf("%s: changed %s: %v", row.key(), fields[i], changed)
			}
		}
	}
	if len(keys) != len(fields)-1 { // mount has two, the other one is mounts
		t.Errorf("%d rows for %d fields", len(keys), len(fields))
	}
}

func TestTheStrongerSourceWins(t *testing.T) {
	const file = "threads = 2\nworkers = 2\nbind = ':2'\nforwarded_allow_ips = '10.0.0.2'\n"
	tests := []struct {
		name, args string
		environ    []string
		threads    int
		workers    int
		bind       string
		peer       string
	}{
		{"the file over the default", "", nil, 2, 2, ":2", "10.0.0.2"},
		{
			"the environment over the file", "",
			[]string{"GOWSGI_THREADS=3", "GOWSGI_WORKERS=3", "GOWSGI_BIND=:3", "GOWSGI_FORWARDED_ALLOW_IPS=10.0.0.3"},
			3, 3, ":3", "10.0.0.3",
		},
		{
			"a platform's variables over the file", "",
			[]string{"PORT=4", "WEB_CONCURRENCY=4", "FORWARDED_ALLOW_IPS=10.0.0.4"},
			2, 4, "0.0.0.0:4", "10.0.0.4",
		},
		{
			"our variables over a platform's", "",
			[]string{"GOWSGI_WORKERS=3", "GOWSGI_BIND=:3", "GOWSGI_FORWARDED_ALLOW_IPS=10.0.0.3", "PORT=4", "WEB_CONCURRENCY=4", "FORWARDED_ALLOW_IPS=10.0.0.4"},
			2, 3, ":3", "10.0.0.3",
		},
		{
			"the command line over all", "--threads 5 -w 5 -b :5 --forwarded-allow-ips 10.0.0.5",
			[]string{"GOWSGI_THREADS=3", "GOWSGI_WORKERS=3", "GOWSGI_BIND=:3", "GOWSGI_FORWARDED_ALLOW_IPS=10.0.0.3", "PORT=4", "WEB_CONCURRENCY=4"},
			5, 5, ":5", "10.0.0.5",
		},
		{
			"an empty variable is unset", "",
			[]string{"GOWSGI_THREADS=", "PORT=", "WEB_CONCURRENCY=", "GOWSGI_CONFIG="},
			2, 2, ":2", "10.0.0.2",
		},
		{
			"a platform's odd variable does no harm where we are told otherwise", "-b :5 -w 5 --forwarded-allow-ips 10.0.0.5",
			[]string{"PORT=tcp://10.0.0.1:80", "WEB_CONCURRENCY=auto", "FORWARDED_ALLOW_IPS=all"},
			2, 5, ":5", "10.0.0.5",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := mustLoad(t, append(words(test.args), "app"), test.environ, files{"gowsgi.toml": file}).Settings
			got := fmt.Sprint(s.Threads, s.Workers, s.Bind, s.ForwardedAllowIPs)
			want := fmt.Sprint(test.threads, test.workers, []string{test.bind}, []string{test.peer})
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestTargetComesFromWhicheverSourceIsStrongest(t *testing.T) {
	file := files{"gowsgi.toml": "target = 'file:app'"}
	env := []string{"GOWSGI_TARGET=env:app"}
	for want, got := range map[string]Invocation{
		"file:app": mustLoad(t, nil, nil, file),
		"env:app":  mustLoad(t, nil, env, file),
		"line:app": mustLoad(t, []string{"line:app"}, env, file),
		"-dash":    mustLoad(t, []string{"--", "-dash"}, env, file),
	} {
		if got.Settings.Target != want {
			t.Errorf("got %q, want %q", got.Settings.Target, want)
		}
	}
}

func TestTheFileIsFound(t *testing.T) {
	all := files{"gowsgi.toml": "threads = 1", "env.toml": "threads = 2", "line.toml": "threads = 3"}
	env := []string{"GOWSGI_CONFIG=env.toml"}
	tests := []struct {
		name    string
		args    []string
		environ []string
		files   files
		file    string
		threads int
	}{
		{"nowhere", nil, nil, nil, "", 8},
		{"in the working directory", nil, nil, all, "gowsgi.toml", 1},
		{"by the variable", nil, env, all, "env.toml", 2},
		{"by -c", []string{"-c", "line.toml"}, env, all, "line.toml", 3},
		{"by the last --config", []string{"-c", "nowhere.toml", "--config=line.toml"}, env, all, "line.toml", 3},
		{"not at all with an empty -c", []string{"-c", ""}, env, all, "", 8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inv := mustLoad(t, append(test.args, "app"), test.environ, test.files)
			if inv.ConfigFile != test.file || inv.Settings.Threads != test.threads {
				t.Errorf("got file %q and %d threads", inv.ConfigFile, inv.Settings.Threads)
			}
		})
	}
}

func TestActions(t *testing.T) {
	tests := []struct {
		args string
		want Action
	}{
		{"app", Serve},
		{"--check-config app", CheckConfig},
		{"--print-config", PrintConfig},
		{"--print-config app", PrintConfig},
		{"--version", Version},
		{"-v", Version},
		{"--help", Help},
		{"-h", Help},
		{"--help --version", Help},
		{"-hv", Help},
		// Whoever asks for help gets it, whatever else is wrong.
		{"--help --nonsense -w many -c missing.toml a b c", Help},
		{"--check-config --print-config --version", Version},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			if inv := mustLoad(t, words(test.args), nil, nil); inv.Action != test.want {
				t.Errorf("got %d, want %d", inv.Action, test.want)
			}
		})
	}
}

func TestSpellingsOfOptions(t *testing.T) {
	field := func(s Settings, key string) any {
		for _, row := range table() {
			if row.key() == key {
				return row.kind.encode(&s)
			}
		}
		return nil
	}
	tests := []struct {
		args, key string
		want      any
	}{
		{"-w 3", "workers", 3},
		{"-w3", "workers", 3},
		{"-w=3", "workers", 3},
		{"--workers=3", "workers", 3},
		{"--workers 2 --workers 3", "workers", 3},
		{"--limit-request-field_size 10", "limit_request_field_size", int64(10)},
		{"--limit-request-field-size 11", "limit_request_field_size", int64(11)},
		{"--limit_request_field_size 12", "limit_request_field_size", int64(12)},
		{"--log-file x.log", "error_logfile", "x.log"},
		{"--error-logfile y.log", "error_logfile", "y.log"},
		{"-b :1 --bind :2,:3", "bind", []string{":1", ":2", ":3"}},
		{"-e A=1,2 --env B=", "env", []string{"A=1,2", "B="}},
		{"--pythonpath a,b --pythonpath c", "pythonpath", []string{"a", "b", "c"}},
		{"--access-logfile -", "access_logfile", "-"},
		{"-p run.pid", "pid", "run.pid"},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			got := field(mustLoad(t, append(words(test.args), "app"), nil, nil).Settings, test.key)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

func TestEnvironmentHasOneEnvEntryALine(t *testing.T) {
	got := mustLoad(t, []string{"app"}, []string{"GOWSGI_ENV=A=1,2\nB=x=y\n"}, nil).Settings.Env
	if want := []string{"A=1,2", "B=x=y"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestForeignVariablesWithOurPrefixPass(t *testing.T) {
	mustLoad(t, []string{"app"}, []string{
		"GOWSGI_PORT=tcp://10.0.0.1:80", "GOWSGI_SERVICE_HOST=10.0.0.1", "GOWSGI_PORT_8000_TCP_ADDR=10.0.0.1", "=C:=x", "odd",
	}, nil)
}

func TestSettingsSurviveJSON(t *testing.T) {
	want := mustLoad(t, words("-e A=1 -b unix:/run/x.sock,[::1]:80 --keep-alive 500ms app"), nil, nil).Settings
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Settings
	if err := json.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v; got  %+v\nwant %+v", err, got, want)
	}
}

func TestPathsAreBytes(t *testing.T) {
	const odd = "/srv/\xe9t\xe9 (old)/app"
	inv := mustLoad(t, []string{
		"--chdir", odd, "--venv", odd, "--pythonpath", odd + ",b", "-b", "unix:" + odd, "--pid", odd + ".pid", "--error-logfile", odd + ".log",
		"--access-logfile", odd + ".access", "-e", "A=\xff", "--reload-extra-file", odd, odd + ".py:make('(')",
	}, nil, nil)
	s := inv.Settings
	for _, got := range append([]string{s.Chdir, s.Venv, strings.TrimSuffix(s.Pid, ".pid"), strings.TrimSuffix(s.AccessLogfile, ".access")}, s.ReloadExtraFile...) {
		if got != odd {
			t.Errorf("got %q", got)
		}
	}
	if s.Target != odd+".py:make('(')" || s.Pythonpath[0] != odd || s.Bind[0] != "unix:"+odd || s.Env[0] != "A=\xff" {
		t.Errorf("got %+v", s)
	}
	var b strings.Builder
	if err := s.WriteTOML(&b); err == nil || !strings.Contains(err.Error(), `\xe9t\xe9`) || !strings.Contains(err.Error(), "no UTF-8") || b.Len() > 0 {
		t.Errorf("%v", err)
	}
	if s := mustLoad(t, []string{"app"}, []string{"GOWSGI_CHDIR=" + odd}, nil).Settings; s.Chdir != odd {
		t.Errorf("got %q", s.Chdir)
	}
}
