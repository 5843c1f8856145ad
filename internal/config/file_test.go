package config

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// update rewrites config.toml: go test ./internal/config -run ConfigFile -update
var update = flag.Bool("update", false, "write config.toml at the top of the tree anew")

const configFile = "../../config.toml"

// printed is what --print-config prints for s.
func printed(t testing.TB, s Settings) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.WriteTOML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestConfigFileIsTheDefaultsAsPrinted(t *testing.T) {
	want := printed(t, Defaults())
	if *update {
		if err := os.WriteFile(configFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(configFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("config.toml is out of date; run: go test ./internal/config -run ConfigFile -update")
	}
}

func TestConfigFileHoldsEveryKeyAndLoadsToTheDefaults(t *testing.T) {
	text, err := os.ReadFile(configFile)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if _, err := toml.Decode(string(text), &keys); err != nil {
		t.Fatal(err)
	}
	for _, row := range table() {
		if _, there := keys[row.key()]; !there {
			t.Errorf("%s is missing", row.key())
		}
		delete(keys, row.key())
	}
	if len(keys) > 0 {
		t.Errorf("these are no settings: %v", keys)
	}
	inv := mustLoad(t, words("--print-config -c config.toml"), nil, files{"config.toml": string(text)})
	if !reflect.DeepEqual(inv.Settings, Defaults()) {
		t.Errorf("got  %+v\nwant %+v", inv.Settings, Defaults())
	}
}

func TestPrintedSettingsLoadToThemselves(t *testing.T) {
	everything := Settings{
		MaxRequests: 1000, MaxRequestsJitter: 50, MaxLifetime: time.Hour, MaxLifetimeJitter: time.Minute, MaxWorkerMemory: 1 << 30,
		SurplusTimeout: time.Minute, StartLimit: 0, Warmup: "/x/up?x=%20", Umask: "0027", ReusePort: true,
		Timeout: 0, TimeoutGrace: time.Second, QueueTimeout: 2 * time.Second, BodyTimeout: 3 * time.Second, WriteTimeout: 4 * time.Second,
		MinRate: 1, StartupTimeout: 0, DeadlockTimeout: 90 * time.Second,
		LogFormat: "json", SlowRequestThreshold: 250 * time.Millisecond, CaptureOutput: true, LogSyslog: true,
		LogSyslogTo: "udp://[::1]:514", LogSyslogFacility: "local3",
		User: "www", Group: "33", Initgroups: true, Name: "my site", Control: "unix:/run/a b.control", Metrics: "[::1]:9100", MetricsPath: "/m/x", MetricsAllowIPs: []string{"*"}, HealthPath: "/-", StatsdHost: "unix:///run/statsd", StatsdPrefix: "a.b", DogstatsdTags: "a:b,c", RequestIDHeader: "X-Id", Traceparent: true, ServerTiming: true, ShutdownDelay: time.Minute, Reload: true, ReloadExtraFile: []string{"a,b", "c/*.yaml"},
		Certfile: []string{"a.pem", "b,c.pem"}, Keyfile: []string{"a.key", "b c.key"}, CACerts: "ca.pem", CertReqs: "required", RedirectHTTP: 8080, HSTS: 365 * 24 * time.Hour,
		Mount: "/x", Mounts: []Mount{{Path: "/a", Target: "a:app", Threads: 2}}, AllowedHosts: []string{".example.org"},
		ServerName: []string{"www.example.org", "example.org"}, ACMEEmail: "me@example.org", ACMEDirectory: "https://ca.example.org/dir", ACMEStorage: "a b",
		Target: `C:\odd "path"/'app'.py`, Bind: []string{"unix:/run/a,b.sock", "[::1]:80", ":0", ":0"}, Backlog: 1, Workers: 2, Threads: 3, BacklogRequests: 4, MaxConnections: 5, MaxConnectionsPerAddress: 6,
		Chdir: "/srv/ü", Pythonpath: []string{"a,b", "c d"}, Venv: "venv", Env: []string{"A=1,2", "B=two\nlines\t\x01", "C="},
		KeepAlive: 0, HeaderTimeout: 1500 * time.Microsecond, GracefulTimeout: 90 * time.Minute,
		LimitRequestLine: 0, LimitRequestFields: 32768, LimitRequestHead: 1 << 20, LimitRequestFieldSize: 64 << 10, LimitRequestBody: 3<<40 + 1,
		RequestBuffer: 0, RequestMemory: 2, RequestSpool: 3, ResponseSpool: 4, SpoolLimit: 5 << 30, WorkerTmpDir: "tmp files", ResponseBuffer: 4097, ForwardedAllowIPs: nil, ForwardedFields: []string{"prefix", "forwarded"}, ForwardedUntrusted: "remove", ProxyProtocol: "v1", ProxyAllowFrom: []string{"*"},
		AddField: []string{"A: b, c", "X-Y: "}, RemoveField: []string{"Server", "x-powered-by"}, ErrorPage: []string{"404,5xx=a,b=c.html"},
		Allow: []string{"10.0.0.0/8", "unix"}, Deny: []string{"*"}, LimitRate: "600/m", LimitRateBurst: 7, LimitRateBy: "X-Key", BasicAuth: "users file", BasicAuthRealm: "a b",
		Compress: true, CompressTypes: []string{"text/*", "common"}, CompressMinSize: 0, CompressLevel: 9, CompressCookies: true,
		HTTPProtocols: []string{"h1"}, HTTP2Cleartext: "prior-knowledge", HTTP2MaxConcurrentStreams: 7, HTTP2InitialWindowSize: 65535, HTTP2MaxFrameSize: 1 << 20,
		LogLevel: "critical", Color: "never", ErrorLogfile: "e.log", AccessLogfile: "-", AccessLogformat: `%(h)s '"\ 100%%`, Pid: "x.pid",
		Static: []string{"/a b=x,y", StaticDjango}, DocumentRoot: "www", StaticIndex: []string{"a", "b"}, StaticMaxAge: time.Hour,
		StaticImmutable: "never", StaticSymlinks: "anywhere", StaticListing: true, SendfileRoot: []string{"/media", "/x=y=z"},
	}
	text := printed(t, everything)
	got := mustLoad(t, words("-c x.toml"), nil, files{"x.toml": text}).Settings
	if !reflect.DeepEqual(got, everything) {
		t.Errorf("got  %+v\nwant %+v\n%s", got, everything, text)
	}
	for _, line := range []string{
		"# Default: threads = 8\nthreads = 3\n",
		"header_timeout = \"1.5ms\"\n",
		"graceful_timeout = 5400\n",
		"limit_request_field_size = \"64K\"\n",
		"# Default: forwarded_allow_ips = [\"127.0.0.1\", \"::1\", \"unix\"]\nforwarded_allow_ips = []\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	if strings.Contains(printed(t, Defaults()), "# Default:") {
		t.Error("a default is said to have another default")
	}
}

func TestListsInTheFileMayBeStrings(t *testing.T) {
	s := mustLoad(t, words("app"), nil, files{"gowsgi.toml": `
bind = ":80, unix:/run/app.sock"
pythonpath = "lib,/srv/lib"
env = "A=1,2"
forwarded_allow_ips = ""
`}).Settings
	want := [][]string{{":80", "unix:/run/app.sock"}, {"lib", "/srv/lib"}, {"A=1,2"}, nil}
	if got := [][]string{s.Bind, s.Pythonpath, s.Env, s.ForwardedAllowIPs}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFileMayStartWithAByteOrderMarkAndEndLinesAsOnWindows(t *testing.T) {
	s := mustLoad(t, words("app"), nil, files{"gowsgi.toml": "\ufeffthreads = 4\r\nkeep_alive = 0.25\r\n"}).Settings
	if s.Threads != 4 || s.KeepAlive != 250*time.Millisecond {
		t.Errorf("got %d, %s", s.Threads, s.KeepAlive)
	}
}

func TestWriteErrorsAreReported(t *testing.T) {
	full := errors.New("disk full")
	if err := Defaults().WriteTOML(brokenWriter{full}); !errors.Is(err, full) {
		t.Errorf("settings: got %v", err)
	}
	if err := WriteHelp(brokenWriter{full}, 80); !errors.Is(err, full) {
		t.Errorf("help: got %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestCommentsOfTheFileFitTheScreen(t *testing.T) {
	for line := range strings.Lines(printed(t, Defaults())) {
		if strings.HasPrefix(line, "#") && utf8.RuneCountInString(line) > commentWidth+1 {
			t.Errorf("too long: %s", line)
		}
	}
}

// FuzzFile: no text makes Load panic, each problem is one line that says where
// it is, or whose the whole file is, and what loads is printed as a file that loads to
// the same.
func FuzzFile(f *testing.F) {
	f.Add(printed(f, Defaults()))
	f.Add("bind = [':80', 3]\nenv = 'A=\\n'\n[x.y]\na.b = 1\n[[z]]\nkeep_alive = 1.5")
	f.Add("threads = [[{a = 1979-05-27T07:32:00Z}]]\n\"\" = 'x'\nkeep_alive = '2m'\nrequest_buffer = '1KiB'")
	f.Add("<VirtualHost *:80>\n  WSGIScriptAlias / /srv/site.wsgi\n</VirtualHost>\n")
	f.Fuzz(func(t *testing.T, text string) {
		inv, err := Load(words("--print-config -c f.toml"), nil, files{"f.toml": text}.read)
		var all *Problems
		if errors.As(err, &all) {
			for _, p := range all.List {
				place := strings.HasPrefix(p.Source, "f.toml line ") && !strings.HasSuffix(p.Source, " 0")
				lost := p.Source == "f.toml" && strings.HasPrefix(p.Message, "not TOML: ")
				foreign := p.Source == "--config" && p.Key == "" && strings.HasSuffix(p.Message, wayToTOML) && len(all.List) == 1
				if !place && !lost && !foreign || p.Message == "" || !isLine(p.String()) {
					t.Errorf("%#v", p)
				}
			}
			return
		}
		if !utf8.ValidString(fmt.Sprint(inv.Settings)) {
			return // a path; TOML has no word for it
		}
		again := mustLoad(t, words("--print-config -c f.toml"), nil, files{"f.toml": printed(t, inv.Settings)})
		if !reflect.DeepEqual(again.Settings, inv.Settings) {
			t.Errorf("got  %+v\nwant %+v", again.Settings, inv.Settings)
		}
	})
}

// FuzzCommandLine: no arguments and no environment make Load panic or loop,
// and what loads is printed as a file that loads to the same.
func FuzzCommandLine(f *testing.F) {
	f.Add("-w\n3\n--bind=:80\napp", "PORT=80\nGOWSGI_THREADS=4")
	f.Add("-threads\n--x=1\n-x\n-\n--\n---\n-ä\n-=\n--=\n-e", "GOWSGI_=\n=\nGOWSGI_ENV=A=1")
	f.Fuzz(func(t *testing.T, args, environ string) {
		inv, err := Load(strings.Split(args, "\n"), strings.Split(environ, "\n"), files{}.read)
		if err != nil || inv.Action == Help || inv.Action == Version {
			return
		}
		if !utf8.ValidString(fmt.Sprint(inv.Settings)) {
			return // a path; TOML has no word for it
		}
		again := mustLoad(t, words("--print-config -c f.toml"), nil, files{"f.toml": printed(t, inv.Settings)})
		if !reflect.DeepEqual(again.Settings, inv.Settings) {
			t.Errorf("got  %+v\nwant %+v", again.Settings, inv.Settings)
		}
	})
}
