package config

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestSizes(t *testing.T) {
	tests := []struct {
		text string
		want int64 // -1: refused
	}{
		{"0", 0},
		{"65536", 65536},
		{" 65536 ", 65536},
		{"1K", 1024},
		{"64k", 64 << 10},
		{"10M", 10 << 20},
		{"10 m", 10 << 20},
		{"1GiB", 1 << 30},
		{"2gib", 2 << 30},
		{"3T", 3 << 40},
		{"8388607T", 8388607 << 40},
		{"9223372036854775807", math.MaxInt64},
		{"8388608T", -1},
		{"9223372036854775808", -1},
		{"10KB", -1},
		{"10MB", -1},
		{"10B", -1},
		{"10iB", -1},
		{"10KM", -1},
		{"10KMiB", -1},
		{"1.5M", -1},
		{"-1", -1},
		{"-1K", -1},
		{"M", -1},
		{"iB", -1},
		{"", -1},
		{"0x10", -1},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			inv, err := Load([]string{"app", "--limit-request-body", test.text}, nil, files{}.read)
			if got := inv.Settings.LimitRequestBody; (err != nil) != (test.want < 0) || err == nil && got != test.want {
				t.Errorf("got %d, %v", got, err)
			}
			if n, ok := parseSize(test.text); ok {
				if again, ok := parseSize(sizeText(n)); !ok || again != n {
					t.Errorf("%d is written %s and read %d", n, sizeText(n), again)
				}
			}
		})
	}
}

func TestTimes(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration // -1: refused
	}{
		{"0", 0},
		{"30", 30 * time.Second},
		{"0.5", 500 * time.Millisecond},
		{"1e1", 10 * time.Second},
		{" 30s ", 30 * time.Second},
		{"500ms", 500 * time.Millisecond},
		{"2m", 2 * time.Minute},
		{"1h30m", 90 * time.Minute},
		{"86400", 24 * time.Hour},
		{"86400.5", -1},
		{"24h1ns", -1},
		{"-1", -1},
		{"-1s", -1},
		{"1e300", -1},
		{"NaN", -1},
		{"Inf", -1},
		{"-Inf", -1},
		{"2 minutes", -1},
		{"1d", -1},
		{"", -1},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			inv, err := Load([]string{"app", "--keep-alive", test.text}, nil, files{}.read)
			if got := inv.Settings.KeepAlive; (err != nil) != (test.want < 0) || err == nil && got != test.want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	long := "/" + strings.Repeat("x", longestSocketPath)
	tests := []struct {
		item string
		want string // empty: refused
		says string // what the refusal says
	}{
		{item: "127.0.0.1:8000", want: "127.0.0.1:8000"},
		{item: "localhost:80", want: "localhost:80"},
		{item: "localhost", want: "localhost:8000"},
		{item: ":80", want: ":80"},
		{item: ":0", want: ":0"},
		{item: ":080", want: ":80"},
		{item: "tcp://0.0.0.0:80", want: "0.0.0.0:80"},
		{item: "[::1]:80", want: "[::1]:80"},
		{item: "[::1]", want: "[::1]:8000"},
		{item: "[fe80::1%eth0]:80", want: "[fe80::1%eth0]:80"},
		{item: "unix:/run/app.sock", want: "unix:/run/app.sock"},
		{item: "unix:///run/app.sock", want: "unix:/run/app.sock"},
		{item: "unix:app.sock", want: "unix:app.sock"},
		{item: "unix:@abstract", want: "unix:@abstract"},
		{item: "unix:" + long[:longestSocketPath], want: "unix:" + long[:longestSocketPath]},
		{item: "unix:" + long, says: "at most 107 bytes"},
		{item: "unix:", says: "path is missing"},
		{item: "unix://", says: "path is missing"},
		{item: "8000", says: "Write :8000"},
		{item: "::1", says: "[::1]:8000"},
		{item: "::1:80", says: "in brackets"},
		{item: "[127.0.0.1]:80", says: "[v6]:port"},
		{item: "[::1", says: "[v6]:port"},
		{item: "[::1]80", says: "[v6]:port"},
		{item: "[::1]:", says: "port must be"},
		{item: "host:", says: "port must be"},
		{item: "host:http", says: "port must be"},
		{item: "host:65536", says: "port must be"},
		{item: "host:-1", says: "port must be"},
		{item: "host:+1", says: "port must be"},
		{item: "/run/app.sock", says: "unix:PATH"},
		{item: "a b:80", says: "unix:PATH"},
		{item: "http://host:80", says: "no http://"},
		{item: "fd://3", want: "fd://3"},
		{item: "fd://03", want: "fd://3"},
		{item: "fd://2", says: "from 3 to 65535"},
		{item: "fd://x", says: "from 3 to 65535"},
		{item: "fd://", says: "from 3 to 65535"},
		{item: "tcp://", says: "must be host:port"},
		{item: "host\n:80", says: "line of text"},
		{item: "unix:/\xff", want: "unix:/\xff"},
		{item: "unix:/\x1b", says: "line of text"},
		{item: "\xff:80", says: "line of text"},
	}
	for _, test := range tests {
		t.Run(test.item, func(t *testing.T) {
			got, err := address(test.item)
			if got != test.want || (err == nil) != (test.says == "") {
				t.Fatalf("got %q, %v", got, err)
			}
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q does not say %q", err, test.says)
			}
			if again, err := address(got); test.want != "" && (again != got || err != nil) {
				t.Errorf("%q becomes %q, %v", got, again, err)
			}
		})
	}
}

func TestPeers(t *testing.T) {
	for item, ok := range map[string]bool{
		"*": true, "10.0.0.1": true, "::1": true, "10.0.0.0/8": true, "fd00::/8": true, "10.1.2.3/8": true,
		"proxy.local": false, "10.0.0": false, "10.0.0.0/33": false, "fe80::1%eth0": false, "[::1]": false, "10.*": false, "": false,
	} {
		if _, err := peer(item); (err == nil) != ok {
			t.Errorf("%q: %v", item, err)
		}
	}
}

func TestProxies(t *testing.T) {
	for item, ok := range map[string]bool{"unix": true, "*": true, "10.0.0.0/8": true, "::1": true, "Unix": false, "unix:": false, "proxy.local": false, "": false} {
		if _, err := proxy(item); (err == nil) != ok {
			t.Errorf("%q: %v", item, err)
		}
	}
	for _, test := range []struct {
		args string
		note bool
	}{
		{"-b unix:/s app", false}, // by default they are
		{"-b unix:/s --forwarded-allow-ips 10.0.0.1 app", true},
		{"-b unix:/s --forwarded-allow-ips 10.0.0.1,unix app", false},
		{"-b unix:/s --forwarded-allow-ips * app", false},
		{"-b :80 --forwarded-allow-ips 10.0.0.1 app", false},
	} {
		inv := mustLoad(t, words(test.args), nil, nil)
		if got := len(inv.Notes) == 1 && strings.Contains(inv.Notes[0].Text, "(--forwarded-allow-ips) has no unix"); got != test.note {
			t.Errorf("%s: %+v", test.args, inv.Notes)
		}
	}
}

func TestEnvironmentEntries(t *testing.T) {
	for item, ok := range map[string]bool{
		"A=1": true, "A=": true, "A=b=c": true, "A=two\nlines": true, "a.b-c=1": true,
		"A": false, "=1": false, "": false, "A=\x00": false, "A=\xff": true, "\xff=": false, "A\x00=1": false, "\n=1": false,
	} {
		if _, err := environmentEntry(item); (err == nil) != ok {
			t.Errorf("%q: %v", item, err)
		}
	}
}

func TestSuggestions(t *testing.T) {
	for name, want := range map[string]string{
		"thread": "threads", "treads": "threads", "worker": "workers", "keepalive": "keep-alive",
		"pyhtonpath": "pythonpath", "acess-logfle": "access-logfile", "vnev": "", "ven": "venv", "bund": "bind",
		"xyz": "", "e": "", "relaod": "reload", "": "",
	} {
		if got := suggestion(name, flagNames()); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestMountIsAPathWithoutASlashAtTheEnd(t *testing.T) {
	for value, ok := range map[string]bool{
		"": true, "/app": true, "/a/b": true, "/ä": true, "/": false, "/app/": false, "app": false, "/a?b": false, "/a%20": false, "/a\nb": false,
	} {
		inv, err := Load([]string{"--mount", value, "x:app"}, nil, files{}.read)
		if (err == nil) != ok || ok && inv.Settings.Mount != value {
			t.Errorf("--mount %q: %q, %v", value, inv.Settings.Mount, err)
		}
	}
}

// What gowsgi answers itself is said, and what the application would surely lose
// is refused.
func TestPathsThatAreTakenFromTheApplication(t *testing.T) {
	for line, want := range map[string]struct{ note, problem string }{
		"":                  {},
		"--metrics-path /m": {note: "gowsgi answers /m itself"},
		"--health-path /-":  {note: "gowsgi answers /-/live itself"},
		"--health-path /m --metrics-path /m/live": {problem: "is a path of health_path (/m/live)"},
		"--mount /app --metrics-path /m":          {},
		"--mount /app --metrics-path /app/m":      {note: "gowsgi answers /app/m itself"},
		"--mount /app --metrics-path /apple":      {},
		"--mount /m --metrics-path /m":            {problem: "would take the application's own first page, since mount is /m as well"},
		"--mount /-/ready --health-path /-":       {problem: "would take the application's own first page"},
	} {
		inv, err := Load(append(words(line), "x:app"), nil, files{}.read)
		if (err != nil) != (want.problem != "") {
			t.Errorf("%s: %v", line, err)
		}
		if err != nil {
			if all := problems(t, append(words(line), "x:app"), nil, files{}); len(all) != 1 || !strings.Contains(all[0], want.problem) {
				t.Errorf("%s: %q", line, all)
			}
			continue
		}
		var notes []string
		for _, note := range inv.Notes {
			if strings.Contains(note.Text, "itself") {
				notes = append(notes, note.Text)
			}
		}
		if text := strings.Join(notes, "\n"); (text != "") != (want.note != "") || !strings.Contains(text, want.note) {
			t.Errorf("%s: notes %q", line, notes)
		}
	}
}

func TestUmasksAreOctal(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "0": "0000", "27": "0027", "0027": "0027", "0o27": "0027", "777": "0777", "1777": "-", "8": "-", "-1": "-", "x": "-",
	} {
		inv, err := Load([]string{"--umask", text, "x:app"}, nil, files{}.read)
		if (err == nil) != (want != "-") || err == nil && inv.Settings.Umask != want {
			t.Errorf("--umask %q: %q, %v", text, inv.Settings.Umask, err)
		}
	}
	inv, err := Load([]string{"x:app"}, nil, files{"gowsgi.toml": "umask = 0o27\n"}.read)
	if err != nil || inv.Settings.Umask != "0027" {
		t.Errorf("umask = 0o27: %q, %v", inv.Settings.Umask, err)
	}
}

func TestSwitchesNeedNoValueAndTakeOne(t *testing.T) {
	for line, want := range map[string]bool{
		"": false, "--reload": true, "--reload=true": true, "--reload=false": false, "--reload --reload=no": false,
	} {
		inv, err := Load(append(words(line), "x:app"), nil, files{}.read)
		if err != nil || inv.Settings.Reload != want {
			t.Errorf("%q: %v, %v", line, inv.Settings.Reload, err)
		}
	}
	for args, want := range map[string]bool{"--compress on app": true, "app --compress Off": false, "--compress app": true, "--compress no app": false} {
		if got := mustLoad(t, words(args), nil, nil).Settings.Compress; got != want {
			t.Errorf("%s: %v", args, got)
		}
	}
	for text, want := range map[string]bool{"1": true, "yes": true, "On": true, "0": false, "off": false} {
		inv, err := Load([]string{"x:app"}, []string{"GOWSGI_RELOAD=" + text}, files{"gowsgi.toml": "reload = false"}.read)
		if err != nil || inv.Settings.Reload != want {
			t.Errorf("$GOWSGI_RELOAD=%s: %v, %v", text, inv.Settings.Reload, err)
		}
	}
	if _, err := Load([]string{"--reload=perhaps", "x:app"}, nil, files{}.read); err == nil || !strings.Contains(err.Error(), "true or false") {
		t.Errorf("--reload=perhaps: %v", err)
	}
}

func TestSyslogAddresses(t *testing.T) {
	for text, want := range map[string]string{ // empty: refused
		"unix:///dev/log": "unix:///dev/log", "unix:///dev/log#dgram": "unix:///dev/log", "udp://localhost:0514": "udp://localhost:514",
		"tcp://10.0.0.1:601": "tcp://10.0.0.1:601", "udp://localhost": "udp://localhost:514", "tcp://[::1]": "tcp://[::1]:514",
		"unix://dev/log": "", "localhost:514": "", "http://x:1": "", "udp://:514": "", "udp://": "", "udp://x:http": "", "udp://::1": "", "": "",
	} {
		inv, err := Load([]string{"--log-syslog-to", text, "x:app"}, nil, files{}.read)
		if (err == nil) != (want != "") || err == nil && inv.Settings.LogSyslogTo != want {
			t.Errorf("--log-syslog-to %q: %q, %v", text, inv.Settings.LogSyslogTo, err)
		}
	}
}

func TestDescriptorsAndWarmupsAndFacilities(t *testing.T) {
	for line, ok := range map[string]bool{
		"--warmup /healthz": true, "--warmup /a?b=c": true, "--warmup=": true, "--warmup healthz": false, "--warmup /a#b": false,
		"--mount /app --warmup /app/healthz?x": true, "--mount /app --warmup /app": true,
		"--log-format json": true, "--log-format JSON": true, "--log-format xml": false,
		"--log-syslog-facility local7": true, "--log-syslog-facility local8": false,
		"--max-worker-memory 512M": true, "--max-worker-memory much": false,
		"--max-lifetime 8784h": true, "--max-lifetime 8785h": false,
		"--start-limit 0": true, "--start-limit -1": false,
		"--user www-data --group 33 --initgroups":               true,
		"--reload-extra-file conf/*.yaml --reload-extra-file x": true,
	} {
		if _, err := Load(append(words(line), "x:app"), nil, files{}.read); (err == nil) != ok {
			t.Errorf("%s: %v", line, err)
		}
	}
}
