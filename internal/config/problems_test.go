package config

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestEachProblemNamesItsSourceItsKeyAndTheWayOut(t *testing.T) {
	const number = "must be a whole number from 1 to 1024, not "
	tests := []struct {
		name    string
		args    []string // besides a target
		environ []string
		file    string
		want    string
	}{
		// The command line.
		{"a flag that is none", words("--thread"), nil, "", "--thread: there is no such option; did you mean --threads?"},
		{"a flag like nothing", words("--nonsense=1"), nil, "", "--nonsense: there is no such option; gowsgi --help lists them"},
		{"a letter that is none", words("-x"), nil, "", "-x: there is no such option; gowsgi --help lists them"},
		{"one dash for two", words("-threads 4"), nil, "", "-threads: there is no such option; did you mean --threads?"},
		{"one dash for two with =", words("-threads=4"), nil, "", "-threads=4: there is no such option; did you mean --threads?"},
		{"letters of which one is none", words("-xyz"), nil, "", "-xyz: there is no such option; gowsgi --help lists them"},
		{"a byte that is no letter", []string{"-ä"}, nil, "", "-ä: there is no such option; gowsgi --help lists them"},
		{"a flag that a terminal would obey", []string{"--\x1b[31m"}, nil, "", `--\x1b[31m: there is no such option; gowsgi --help lists them`},
		{"three dashes", words("---threads 4"), nil, "", "---threads: is no option; gowsgi --help lists them"},
		{"a flag without its value", words("--threads"), nil, "", "--threads: the value is missing; write --threads N"},
		{"a letter without its value", words("-w"), nil, "", "--workers: the value is missing; write --workers N"},
		{"a value for a switch", words("--check-config=no"), nil, "", "--check-config: takes no value; write --check-config or leave it out"},
		{"two actions", words("--check-config --print-config"), nil, "", "--check-config: does not go together with --print-config; give one of them"},
		{"a word for an option that has others", words("--proxy-protocol on"), nil, "", `--proxy-protocol: must be off, v1, v2 or auto, not "on"`},
		{"a value that it does not have", words("--proxy-protocol v3"), nil, "", `command line: target: one application expected, but there are 2: "v3", "app"; options are written with --; --proxy-protocol takes off, v1, v2 or auto`},
		{"a word for an action", words("--check-config on"), nil, "", `--check-config: takes no value; write --check-config or leave it out`},
		{"two targets", words("b:app"), nil, "", `command line: target: one application expected, but there are 2: "b:app", "app"; options are written with --`},
		{"no number", words("--threads many"), nil, "", `--threads: ` + number + `"many"`},
		{"too small a number", words("--threads 0"), nil, "", `--threads: ` + number + `"0"`},
		{"too large a number", words("--threads 1025"), nil, "", `--threads: ` + number + `"1025"`},
		{"an immense number", words("--threads 99999999999999999999"), nil, "", `--threads: ` + number + `"99999999999999999999"`},
		{"an overridden wrong number", words("--threads x --threads 3"), nil, "", `--threads: ` + number + `"x"`},
		{"a size with KB", words("--request-buffer 64KB"), nil, "", `--request-buffer: must be a size from 0 to 1G, such as 4096 or 4K (K is 1024), not "64KB"`},
		{"too small a size", words("--response-buffer 1K"), nil, "", `--response-buffer: must be a size from 4K to 1G, such as 4096 or 4K (K is 1024), not "1K"`},
		{"too long a request line", words("--limit-request-line 8191"), nil, "", `--limit-request-line: must be a size from 0 to 8190, such as 4096 or 4K (K is 1024), not "8191"`},
		{"no time", words("--header-timeout 0"), nil, "", `--header-timeout: must be a time from 1ms to 1h, in seconds or with a unit: 30, 500ms, 2m, not "0"`},
		{"no level", words("--log-level warn"), nil, "", `--log-level: must be debug, info, warning, error or critical, not "warn"`},
		{"an empty log", []string{"--error-logfile", ""}, nil, "", `--error-logfile: must be a file, as one line of text, or -, not ""`},
		{"an odd format", words("--access-logformat %Z"), nil, "", `--access-logformat: has "%Z", which is no atom that gowsgi knows; write a percent sign as %%`},
		{"another switch with one dash", words("-reload"), nil, "", "-reload: there is no such option; did you mean --reload?"},
		{"a switch of Gunicorn's with one dash", words("-preload"), nil, "", "-preload: there is no such option; did you mean --preload?"},
		{"a path that is no line", []string{"--pid", "a\nb"}, nil, "", `--pid: must be a file, as one line of text, not "a\nb"`},
		{"a path that a terminal would obey", []string{"--chdir", "\x1b"}, nil, "", `--chdir: must be a directory, as one line of text, not "\x1b"`},
		{"a name that is no UTF-8", []string{"--name", "\xff"}, nil, "", `--name: must be one line of text, not "\xff"`},
		{"no address", words("-b :99999"), nil, "", `--bind: ":99999": the port must be a number from 0 to 65535`},
		{"nothing to listen on", []string{"-b", ""}, nil, "", "--bind: is empty; name at least 1: host:port, [v6]:port, :port, unix:PATH or fd://N"},
		{"no NAME=value", words("-e DEBUG"), nil, "", `--env: "DEBUG": must be NAME=value`},
		{"no peer", words("--forwarded-allow-ips proxy"), nil, "", `--forwarded-allow-ips: "proxy": must be an IP address, a network such as 10.0.0.0/8, unix for unix sockets, or *`},
		{"a long wrong value", []string{"--threads", strings.Repeat("é", 61)}, nil, "", `--threads: ` + number + `"` + strings.Repeat("é", 60) + `…"`},

		// The environment.
		{"a wrong variable", nil, []string{"GOWSGI_THREADS=many"}, "", `$GOWSGI_THREADS: ` + number + `"many"`},
		{"a misspelt variable", nil, []string{"GOWSGI_THREDS=4"}, "", "$GOWSGI_THREDS: there is no such variable; did you mean $GOWSGI_THREADS?"},
		{"a misspelt variable for the file", nil, []string{"GOWSGI_CONFG=x"}, "", "$GOWSGI_CONFG: there is no such variable; did you mean $GOWSGI_CONFIG?"},
		{"a wrong PORT", nil, []string{"PORT=http"}, "", `$PORT: "0.0.0.0:http": the port must be a number from 0 to 65535`},
		{"a wrong WEB_CONCURRENCY", nil, []string{"WEB_CONCURRENCY=auto"}, "", `$WEB_CONCURRENCY: must be a whole number from 1 to 512, not "auto"`},
		{"a wrong FORWARDED_ALLOW_IPS", nil, []string{"FORWARDED_ALLOW_IPS=all"}, "", `$FORWARDED_ALLOW_IPS: "all": must be an IP address, a network such as 10.0.0.0/8, unix for unix sockets, or *`},
		{"a missing file in the variable", nil, []string{"GOWSGI_CONFIG=no.toml"}, "", `$GOWSGI_CONFIG: there is no file "no.toml" (from the directory gowsgi is started in)`},

		// The file: keys.
		{"no file", words("-c no.toml"), nil, "", `--config: there is no file "no.toml" (from the directory gowsgi is started in)`},
		{"no TOML", nil, nil, "threads = 4\nworkers 3\n", "gowsgi.toml line 2: not TOML: expected '.' or '=', but got '3' instead"},
		{"no TOML at the end of the file", nil, nil, `"i d\`, `gowsgi.toml: not TOML: invalid escape in string '\\\x00'`},
		{"a key that a terminal would obey", nil, nil, `"\u001b[31m" = 1`, `gowsgi.toml line 1: \x1b[31m: there is no such setting; gowsgi --print-config lists them`},
		{"a key twice", nil, nil, "threads = 4\n\nthreads = 5\n", "gowsgi.toml line 3: not TOML: Key 'threads' has already been defined."},
		{"no UTF-8", nil, nil, "pid = '\xff'\n", "gowsgi.toml line 1: not TOML: invalid UTF-8 byte: 0xff"},
		{"an unknown key", nil, nil, "\n# x\nthread = 4\n", "gowsgi.toml line 3: thread: there is no such setting; did you mean threads?"},
		{"a key in the flag's spelling", nil, nil, "keep-alive = 4", "gowsgi.toml line 1: keep-alive: there is no such setting; did you mean keep_alive?"},
		{"a key in capitals", nil, nil, "THREADS = 4", "gowsgi.toml line 1: THREADS: there is no such setting; did you mean threads?"},
		{"a key of Gunicorn's", nil, nil, "accesslog = '-'", "gowsgi.toml line 1: accesslog: there is no such setting; did you mean access_logfile?"},
		{"a key after an alias", nil, nil, "log_file = '-'", "gowsgi.toml line 1: log_file: there is no such setting; did you mean error_logfile?"},
		{"a key like nothing", nil, nil, "nonsense = 1", "gowsgi.toml line 1: nonsense: there is no such setting; gowsgi --print-config lists them"},
		{"a table", nil, nil, "\n[server]\nthreads = 4", "gowsgi.toml line 2: server: there are no tables in this file but [[mount]]; all other settings stand at its top, such as threads = 8"},
		{"a dotted key", nil, nil, "\nserver.http.threads = 4", "gowsgi.toml line 2: server: there are no tables in this file but [[mount]]; all other settings stand at its top, such as threads = 8"},
		{"tables in an array", nil, nil, "\n[[server]]\n[[server]]\n", "gowsgi.toml line 3: server: there are no tables in this file but [[mount]]; all other settings stand at its top, such as threads = 8"},
		{"an empty key", nil, nil, `"" = 1`, "gowsgi.toml line 1: there is no such setting; gowsgi --print-config lists them"},

		// The file: types.
		{"a string for a number", nil, nil, "threads = '4'", `gowsgi.toml line 1: threads: ` + number + `"4"`},
		{"a fraction for a number", nil, nil, "threads = 4.0", `gowsgi.toml line 1: threads: ` + number + `4.0`},
		{"a truth value for a number", nil, nil, "threads = true", `gowsgi.toml line 1: threads: ` + number + `true`},
		{"a date for a number", nil, nil, "threads = 2026-01-01", `gowsgi.toml line 1: threads: ` + number + `a date or time`},
		{"an array for a number", nil, nil, "threads = [\n4\n]", `gowsgi.toml line 1: threads: ` + number + `an array`},
		{"a table for a number", nil, nil, "threads = {}", `gowsgi.toml line 1: threads: ` + number + `a table`},
		{"too large a number in the file", nil, nil, "threads = 9223372036854775807", `gowsgi.toml line 1: threads: ` + number + `9223372036854775807`},
		{"a number for a text", nil, nil, "chdir = 4", `gowsgi.toml line 1: chdir: must be a directory, as one line of text, not 4`},
		{"a negative size", nil, nil, "limit_request_body = -1", `gowsgi.toml line 1: limit_request_body: must be a size of at least 0, such as 65536, 64K or 10M (K is 1024), not -1`},
		{"a fraction for a size", nil, nil, "limit_request_body = 1e6", `gowsgi.toml line 1: limit_request_body: must be a size of at least 0, such as 65536, 64K or 10M (K is 1024), not 1e+06`},
		{"no number for a time", nil, nil, "keep_alive = nan", `gowsgi.toml line 1: keep_alive: must be a time from 0 to 24h, in seconds or with a unit: 30, 500ms, 2m, not NaN`},
		{"too long a time", nil, nil, "keep_alive = 86401", `gowsgi.toml line 1: keep_alive: must be a time from 0 to 24h, in seconds or with a unit: 30, 500ms, 2m, not 86401`},
		{"a truth value for a time", nil, nil, "keep_alive = false", `gowsgi.toml line 1: keep_alive: must be a time from 0 to 24h, in seconds or with a unit: 30, 500ms, 2m, not false`},
		{"a number for a list", nil, nil, "bind = 8000", `gowsgi.toml line 1: bind: must be an array of strings, ["…", "…"], not 8000; each is host:port, [v6]:port, :port, unix:PATH or fd://N`},
		{"a table for a list", nil, nil, "[env]\nA = '1'", `gowsgi.toml line 1: env: must be an array of strings, ["…", "…"], not a table; each is NAME=value`},
		{"a number in a list", nil, nil, "bind = [':80', 8000]", `gowsgi.toml line 1: bind: must be strings, but number 2 is 8000; each is host:port, [v6]:port, :port, unix:PATH or fd://N`},
		{"an empty list that must not be", nil, nil, "bind = []", `gowsgi.toml line 1: bind: is empty; name at least 1: host:port, [v6]:port, :port, unix:PATH or fd://N`},
		{"an empty item", nil, nil, "pythonpath = ['']", `gowsgi.toml line 1: pythonpath: "": must be a line of text`},
		{"NUL in a text", nil, nil, `pid = "\u0000"`, `gowsgi.toml line 1: pid: must be a file, as one line of text, not "\x00"`},
		{"a wrong line that the command line overrides", words("--threads 4"), nil, "threads = 0", `gowsgi.toml line 1: threads: ` + number + `0`},

		// What does not go together.
		{"an address twice", words("-b :80 -b tcp://:80"), nil, "", `--bind: ":80" is given twice; once is enough`},
		{"an address twice in the file", nil, nil, "\nbind = ['a', 'a:8000']", `gowsgi.toml line 2: bind: "a:8000" is given twice; once is enough`},
		{"everybody and somebody", nil, nil, "forwarded_allow_ips = '*,10.0.0.1'", "gowsgi.toml line 1: forwarded_allow_ips: * trusts every address, the others say that only some are trusted; leave out one or the other"},
		{"a pid file over the log", words("--pid x"), nil, "error_logfile = 'x'", "--pid: the pid file is the same file as error_logfile (gowsgi.toml line 1); give it another path"},
		{"a pid file over the access log", nil, []string{"GOWSGI_PID=x", "GOWSGI_ACCESS_LOGFILE=x"}, "", "$GOWSGI_PID: the pid file is the same file as access_logfile ($GOWSGI_ACCESS_LOGFILE); give it another path"},
		{"a pid file over the socket", words("-p x -b unix:x"), nil, "", "--pid: the pid file is the same file as bind (--bind); give it another path"},
		{"jitter of nothing", words("--max-requests-jitter 5"), nil, "", "--max-requests-jitter: has nothing to add to, since max_requests is 0; set that, too, or leave this out"},
		{"jitter of no lifetime", nil, nil, "max_lifetime_jitter = 5", "gowsgi.toml line 1: max_lifetime_jitter: has nothing to add to, since max_lifetime is 0; set that, too, or leave this out"},
		{"several workers to debug", words("--debug -w 4"), nil, "", "--debug: there is one worker with one thread, but workers (--workers) says 4; leave out one or the other"},
		{"several threads to debug", words("--threads 2"), []string{"GOWSGI_DEBUG=1"}, "", "$GOWSGI_DEBUG: there is one worker with one thread, but threads (--threads) says 2; leave out one or the other"},
		{"the groups of nobody", words("--initgroups"), nil, "", "--initgroups: is for the groups of user, and there is none; name one, or leave this out"},
		{"a warm-up beside the mount", words("--warmup /healthz --mount /app"), nil, "", `--warmup: "/healthz" is not below the mount; write "/app/healthz"`},
		{"a pid file over the default log", words("-p -"), nil, "", "--pid: the pid file is the same file as error_logfile; give it another path"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := files{}
			if test.file != "" {
				f["gowsgi.toml"] = test.file
			}
			// The target comes first where a flag at the end lacks its value.
			args := append(append([]string{}, test.args...), "app")
			if n := len(test.args); n > 0 && strings.Contains(test.want, "value is missing") {
				args = append([]string{"app"}, test.args...)
			}
			got := problems(t, args, test.environ, f)
			if len(got) != 1 || got[0] != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), test.want)
			}
		})
	}
}

func TestAllProblemsAreReportedTogether(t *testing.T) {
	file := files{"conf/a.toml": "thread = 4\nkeep_alive = 'long'\nforwarded_allow_ips = ['*', '::1']\nbind = [':x', 'y:z']\n"}
	environ := []string{"GOWSGI_WORKERS=none", "GOWSGI_THREDS=4"}
	args := words("-c conf/a.toml --threads 0 --nonsense -x -y --limit-request-line=-1 -b 80 --pid - a:app --workers")
	want := []string{
		"conf/a.toml line 1: thread: ",
		"conf/a.toml line 2: keep_alive: ",
		"conf/a.toml line 4: bind: \":x\": ",
		"conf/a.toml line 4: bind: \"y:z\": ",
		"$GOWSGI_WORKERS: ",
		"$GOWSGI_THREDS: ",
		"--nonsense: ",
		"-x: ",
		"-y: ",
		"--workers: the value is missing",
		"--bind: \"80\": ",
		"--threads: ",
		"--limit-request-line: ",
		"conf/a.toml line 3: forwarded_allow_ips: ",
		"--pid: ",
	}
	got := problems(t, args, environ, file)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
			t.Fatalf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestErrorCountsAndListsTheProblems(t *testing.T) {
	one := &Problems{List: []Problem{{Source: "--x", Key: "x", Message: "is bad"}}}
	if got, want := one.Error(), "1 problem in the settings:\n  --x: is bad"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	two := &Problems{List: []Problem{{Source: "f line 1", Key: "x", Message: "is bad"}, {Source: "$Y", Message: "is worse"}}}
	if got, want := two.Error(), "2 problems in the settings:\n  f line 1: x: is bad\n  $Y: is worse"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMissingTargetIsReportedOnce(t *testing.T) {
	const missing = "command line: target: no application given; name one, such as gowsgi myproject.wsgi:application"
	tests := []struct {
		name, args, file string
		want             string // the only problem's beginning; empty: none
	}{
		{"to serve", "", "", missing},
		{"to check", "--check-config", "", missing},
		{"when the file leaves it empty", "", "target = ' '", missing},
		{"beside another problem's file", "", "threads = 0\n", "gowsgi.toml line 1: threads"},
		{"not to print", "--print-config", "", ""},
		{"not when the file's target is wrong", "", "target = 4", "gowsgi.toml line 1: target: "},
		{"not when the file is no TOML", "", "x", "gowsgi.toml line 1: not TOML"},
		{"not when an unknown option may have swallowed it", "--thread app", "", "--thread: "},
		{"not when there are two", "a b", "", "command line: target: one application expected"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := files{}
			if test.file != "" {
				f["gowsgi.toml"] = test.file
			}
			got := problems(t, words(test.args), nil, f)
			if test.name == "beside another problem's file" {
				if len(got) != 2 || got[1] != missing {
					t.Errorf("got %q", got)
				}
				return
			}
			if test.want == "" && len(got) == 0 {
				return
			}
			if len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestFilesThatCannotBeReadAreProblems(t *testing.T) {
	broken := errors.New("is a directory")
	for _, test := range []struct {
		args []string
		err  error
		want string
	}{
		{nil, broken, `gowsgi.toml: cannot read "gowsgi.toml": is a directory`},
		{nil, fs.ErrPermission, `gowsgi.toml: may not read "gowsgi.toml"; give this user the right to`},
		{words("-c x"), broken, `--config: cannot read "x": is a directory`},
	} {
		_, err := Load(test.args, nil, func(string) ([]byte, error) { return nil, test.err })
		var all *Problems
		if !errors.As(err, &all) || len(all.List) != 1 || all.List[0].String() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestTheActionIsKnownInSpiteOfProblems(t *testing.T) {
	inv, err := Load(words("--check-config --threads x a:app"), nil, files{}.read)
	if err == nil || inv.Action != CheckConfig {
		t.Errorf("got %d, %v", inv.Action, err)
	}
}
