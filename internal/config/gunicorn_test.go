package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestGunicornVariableIsBetweenTheFileAndOurVariables(t *testing.T) {
	const variable = "GUNICORN_CMD_ARGS=--workers 3 --threads=3 --bind :3 --access-logformat '%(h)s %(r)s'"
	file := files{"gowsgi.toml": "workers = 2\nthreads = 2\nbind = ':2'\nbacklog = 2\n"}
	for _, test := range []struct {
		name, args string
		environ    []string
		want       string
	}{
		{"over the file", "", nil, "3 3 [:3] 2"},
		{"over a platform's", "", []string{"WEB_CONCURRENCY=4", "PORT=4"}, "3 3 [:3] 2"},
		{"below ours", "", []string{"GOWSGI_WORKERS=5", "GOWSGI_BIND=:5"}, "5 3 [:5] 2"},
		{"below the command line", "-w 6 -b :6", []string{"GOWSGI_WORKERS=5"}, "6 3 [:6] 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := mustLoad(t, append(words(test.args), "app"), append(test.environ, variable), file).Settings
			if got := fmt.Sprint(s.Workers, s.Threads, s.Bind, s.Backlog); got != test.want || s.AccessLogformat != "%(h)s %(r)s" {
				t.Errorf("got %s, %s", got, s.AccessLogformat)
			}
		})
	}
}

func TestGunicornVariableNamesAFile(t *testing.T) {
	all := files{"gowsgi.toml": "threads = 1", "g.toml": "threads = 2", "env.toml": "threads = 3"}
	variable := "GUNICORN_CMD_ARGS=-c g.toml"
	if inv := mustLoad(t, words("app"), []string{variable}, all); inv.ConfigFile != "g.toml" || inv.Settings.Threads != 2 {
		t.Errorf("%q, %d", inv.ConfigFile, inv.Settings.Threads)
	}
	if inv := mustLoad(t, words("app"), []string{variable, "GOWSGI_CONFIG=env.toml"}, all); inv.ConfigFile != "env.toml" {
		t.Errorf("%q", inv.ConfigFile)
	}
}

func TestGunicornOptionsWithoutAMeaningAreNoted(t *testing.T) {
	inv := mustLoad(t, words("-k gthread --preload --worker-connections=10 --worker_tmp_dir /dev/shm -R --statsd-host h:1 -w 2 --no-sendfile --protocol http app"),
		[]string{"GUNICORN_CMD_ARGS=--worker-class 'sync' -k sync --header-map drop other:app"}, nil)
	if inv.Settings.Workers != 2 || !inv.Settings.Preload || inv.Settings.Target != "app" {
		t.Errorf("%+v", inv.Settings)
	}
	var notes []string
	for _, note := range inv.Notes {
		notes = append(notes, note.Text)
		if warns := !strings.Contains(note.Text, "no meaning"); note.Warning != warns {
			t.Errorf("%+v", note)
		}
	}
	for _, want := range []string{
		"$GUNICORN_CMD_ARGS: --worker-class sync is Gunicorn's and has no meaning here: gowsgi always runs a pool of threads",
		"$GUNICORN_CMD_ARGS: --header-map drop is Gunicorn's and has no meaning here: headers with _ in their names are always left out",
		`$GUNICORN_CMD_ARGS: "other:app" is not read here, as in Gunicorn: name the application on the command line`,
		"--worker-class gthread is Gunicorn's and has no meaning here: gowsgi always runs a pool of threads",
	} {
		if !slices.Contains(notes, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(notes, "\n"))
		}
	}
	if len(notes) != 10 {
		t.Errorf("%d notes:\n%s", len(notes), strings.Join(notes, "\n"))
	}
}

func TestWhatChangesUnlikeGunicornIsAWarning(t *testing.T) {
	for args, warns := range map[string]bool{
		"--forwarder-headers SCRIPT_NAME": true,
		"--log-config logging.ini":        true,
		"-k gevent":                       true,
		"-k sync":                         false,
		"-k gthread":                      false,
		"--header-map dangerous":          true,
		"--header-map drop":               false,
		"--worker-tmp-dir /dev/shm":       false,
	} {
		for _, inv := range []Invocation{
			mustLoad(t, words(args+" --threads 1 app"), nil, nil),
			mustLoad(t, words("app"), []string{"GUNICORN_CMD_ARGS=--threads 1 " + args}, nil),
		} {
			if len(inv.Notes) != 1 || inv.Notes[0].Warning != warns {
				t.Errorf("%s: %+v", args, inv.Notes)
			}
		}
	}
}

func TestThreadsThatGunicornWouldNotHaveAreSaid(t *testing.T) {
	const none, note, warning = "none", "note", "warning"
	for _, test := range []struct {
		args, variable, file, want string
		requests                   string
	}{
		{args: "app", want: none},
		{args: "-w 4 app", want: note, requests: "up to 32 requests"},
		{args: "-w 1 app", want: note, requests: "up to 8 requests"},
		{args: "-w 4 --threads 8 app", want: none},
		{args: "-w 4 app", file: "threads = 8", want: none},
		{args: "--debug app", want: none},
		{args: "app", file: "workers = 4", want: none}, // Gunicorn's file is no TOML
		{args: "-k sync app", want: warning, requests: "up to 8 requests"},
		{args: "-k sync -w 3 app", want: warning, requests: "up to 24 requests"},
		{args: "-k gthread app", want: warning},
		{args: "-k gevent -w 4 app", want: none}, // a thousand greenlets were in it
		{args: "--preload -w 2 app", want: note},
		{args: "app", variable: "--workers 4", want: warning, requests: "up to 32 requests"},
		{args: "app", variable: "--workers 4 --threads 2", want: none},
		{args: "app --threads 1", variable: "--workers 4", want: none},
		{args: "app", variable: "-k eventlet", want: none},
	} {
		t.Run(test.args+test.variable+test.file, func(t *testing.T) {
			inv := mustLoad(t, words(test.args), []string{"GUNICORN_CMD_ARGS=" + test.variable}, files{"gowsgi.toml": test.file})
			got := none
			for _, n := range inv.Notes {
				if !strings.HasPrefix(n.Text, "each worker has ") {
					continue
				}
				if got = note; n.Warning {
					got = warning
				}
				if !strings.Contains(n.Text, test.requests) || !strings.Contains(n.Text, "--threads 1 if it is not made for threads, or --threads 8 if it is") {
					t.Error(n.Text)
				}
			}
			if got != test.want {
				t.Errorf("got %s: %+v", got, inv.Notes)
			}
		})
	}
}

func TestGunicornsOwnFileIsNotPassedOverInSilence(t *testing.T) {
	const text = "gunicorn.conf.py is here, which Gunicorn reads by itself and gowsgi does not: " +
		"write its settings to gowsgi.toml (gowsgi --print-config shows one)"
	here := files{"gunicorn.conf.py": "workers = 4"}
	if inv := mustLoad(t, words("app"), nil, here); !slices.Equal(inv.Notes, []Note{{text, true}}) {
		t.Errorf("%+v", inv.Notes)
	}
	// Somebody has settled it.
	here["gowsgi.toml"], here["g.toml"] = "threads = 2", "threads = 3"
	for _, args := range []string{"app", "-c g.toml app"} {
		if inv := mustLoad(t, words(args), nil, here); len(inv.Notes) != 0 {
			t.Errorf("%s: %+v", args, inv.Notes)
		}
	}
	if inv := mustLoad(t, []string{"-c", "", "app"}, nil, here); len(inv.Notes) != 0 {
		t.Errorf("%+v", inv.Notes)
	}
}

func TestTheProxyProtocolAsGunicornHasIt(t *testing.T) {
	for args, want := range map[string]string{
		"app": "off", "--proxy-protocol app": "auto", "app --proxy-protocol": "auto", "--proxy-protocol auto app": "auto", "app --proxy-protocol V1": "v1",
		"--proxy-protocol=v2 app": "v2", "--proxy_protocol=v2 app": "v2", "--proxy-protocol off app": "off", "app --proxy-protocol OFF": "off",
		"--proxy_protocol false app": "off", "--proxy-protocol none app": "off", "--proxy-protocol true app": "auto", "--proxy-protocol 1 app": "auto",
		"--name --proxy-protocol app": "off", // a value of another
	} {
		inv := mustLoad(t, words(args), nil, nil)
		if inv.Settings.Target != "app" || inv.Settings.ProxyProtocol != want {
			t.Errorf("%s: target %q, %q", args, inv.Settings.Target, inv.Settings.ProxyProtocol)
		}
	}
	if s := mustLoad(t, words("app"), []string{"GUNICORN_CMD_ARGS=--proxy-protocol --proxy-allow-from 10.0.0.0/8,unix"}, nil).Settings; s.ProxyProtocol != "auto" || !slices.Equal(s.ProxyAllowFrom, []string{"10.0.0.0/8", "unix"}) {
		t.Errorf("%q, %q", s.ProxyProtocol, s.ProxyAllowFrom)
	}
	for file, want := range map[string]string{"proxy_protocol = true": "auto", "proxy_protocol = false": "off", "proxy_protocol = 'v2'": "v2"} {
		if got := mustLoad(t, words("app"), nil, files{"gowsgi.toml": file}).Settings.ProxyProtocol; got != want {
			t.Errorf("%s: %q", file, got)
		}
	}
	if got := problems(t, words("--proxy-protocol=v3 app"), nil, nil); len(got) != 1 || got[0] != `--proxy-protocol: must be off, v1, v2 or auto, not "v3"` {
		t.Errorf("got %q", got)
	}
	if got := problems(t, words("app"), nil, files{"gowsgi.toml": "proxy_allow_ips = '10.0.0.1'"}); len(got) != 1 || !strings.Contains(got[0], "proxy_allow_from") {
		t.Errorf("got %q", got)
	}
}

func TestGunicornOptionsThatWouldBeMissedAreRefused(t *testing.T) {
	for _, test := range []struct {
		args, variable, file string
		want                 string // what the only problem says, and its way out
		way                  string
	}{
		{args: "-D", want: "--daemon: gowsgi stays in the foreground", way: "leave this out"},
		{args: "--certfile x.pem --ssl-context x", want: "--ssl-context: gowsgi makes its TLS of --certfile", way: "instead"},
		{args: "--protocol uwsgi", want: "--protocol: gowsgi speaks HTTP only", way: "proxy_pass"},
		{args: "-k uvicorn.workers.UvicornWorker", want: "--worker-class: gowsgi serves WSGI", way: "leave this out"},
		{args: "-c gunicorn.conf.py", want: `--config: "gunicorn.conf.py" is Python`, way: "TOML"},
		{args: "-c python:conf", want: `--config: "python:conf" is Python`, way: "TOML"},
		{args: "--paste x.ini", want: "--paste: gowsgi reads no Paste files", way: "module:make()"},
		{variable: "-c /etc/gunicorn.conf.py", want: `$GUNICORN_CMD_ARGS: --config: "/etc/gunicorn.conf.py" is Python`, way: "TOML"},
		{variable: "--daemon", want: "$GUNICORN_CMD_ARGS: --daemon: gowsgi stays", way: "leave this out"},
		{variable: "--workers many", want: "$GUNICORN_CMD_ARGS: --workers: must be a whole number"},
		{variable: "--wokers 3", want: "$GUNICORN_CMD_ARGS: --wokers: there is no such option", way: "--workers"},
		{variable: "-threads 3", want: "$GUNICORN_CMD_ARGS: -threads: there is no such option", way: "--threads"},
		{variable: "--workers", want: "$GUNICORN_CMD_ARGS: --workers: the value is missing"},
		{variable: "--check-config", want: "$GUNICORN_CMD_ARGS: --check-config: is for the command line only"},
		{variable: "--name 'x", want: "$GUNICORN_CMD_ARGS: a quote or a backslash at its end is not closed"},
		{variable: "-b :1 -b :1", want: `$GUNICORN_CMD_ARGS: --bind: ":1" is given twice`},
		{file: "worker_class = 'sync'", want: "gowsgi.toml line 1: worker_class: is Gunicorn's and has no meaning here", way: "leave it out"},
		{file: "preload_app = true", want: "gowsgi.toml line 1: preload_app: there is no such setting", way: "preload"},
		{file: "ssl_context = 'x'", want: "gowsgi.toml line 1: ssl_context: gowsgi makes its TLS of --certfile"},
		{file: "post_fork = 'x'", want: "gowsgi.toml line 1: post_fork: gowsgi calls no hooks", way: "leave it out"},
		{file: "raw_env = ['A=1']", want: "gowsgi.toml line 1: raw_env: there is no such setting", way: "env"},
		{file: "loglevel = 'info'", want: "gowsgi.toml line 1: loglevel: there is no such setting", way: "log_level"},
	} {
		t.Run(test.args+test.variable+test.file, func(t *testing.T) {
			f := files{}
			if test.file != "" {
				f["gowsgi.toml"] = test.file
			}
			got := problems(t, append(words(test.args), "app"), []string{"GUNICORN_CMD_ARGS=" + test.variable}, f)
			if len(got) != 1 || !strings.HasPrefix(got[0], test.want) || !strings.Contains(got[0], test.way) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestEveryGunicornOptionHasAWordForItsUser(t *testing.T) {
	for _, option := range gunicornOptions {
		if option.refuse == "" && option.note == "" {
			t.Errorf("--%s: neither a note nor a refusal", option.name)
		}
		args := []string{"--" + option.name}
		if option.value {
			args = append(args, "x")
		}
		inv, err := Load(append(args, "--threads", "1", "app"), nil, files{}.read)
		if (err == nil) != (len(inv.Notes) == 1) {
			t.Errorf("--%s: %v, %+v", option.name, err, inv.Notes)
		}
		if gunicornKey(option.setting(), "x") == "" {
			t.Errorf("%s: no word for it in a file", option.setting())
		}
	}
}

func TestOneDashIsForLettersAndTheirValues(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-t30", "app"}, "30s  app"},
		{[]string{"-n", "-threads", "app"}, "30s -threads app"},
		{[]string{"--name", "-threads", "app"}, "30s -threads app"},
		{[]string{"-Rn", "-threads", "app"}, "30s -threads app"},
		{[]string{"--", "-threads"}, "30s  -threads"},
	} {
		s := mustLoad(t, test.args, nil, nil).Settings
		if got := fmt.Sprint(s.Timeout, " ", s.Name, " ", s.Target); got != test.want {
			t.Errorf("%q: %q, want %q", test.args, got, test.want)
		}
	}
}

func TestDebugIsOneWorkerWithOneThreadAndNoTimeouts(t *testing.T) {
	file := files{"gowsgi.toml": "workers = 4\nthreads = 4\n"}
	s := mustLoad(t, words("--debug app"), []string{"WEB_CONCURRENCY=3"}, file).Settings
	if s.Workers != 1 || s.Threads != 1 || s.Timeout+s.QueueTimeout+s.StartupTimeout+s.DeadlockTimeout != 0 {
		t.Errorf("%+v", s)
	}
}
