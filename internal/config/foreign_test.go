package config

import (
	"slices"
	"strings"
	"testing"
)

func TestOptionsOfOtherServersAreTranslated(t *testing.T) {
	const no = ": there is no such option: "
	for _, test := range []struct{ args, want string }{
		// uvicorn, Granian, Flask, Waitress: what people type first.
		{"--port 8080 hello:app", "--port" + no + "write --bind 127.0.0.1:8080"},
		{"--host 0.0.0.0 hello:app", "--host" + no + "write --bind 0.0.0.0:8000"},
		{"--host 0.0.0.0 --port=8080 hello:app", "--host, --port" + no + "write --bind 0.0.0.0:8080"},
		{"hello:app --host :: --port 80", "--host, --port" + no + "write --bind '[::]:80'"},
		{"hello:app --port", "--port" + no + "write --bind 127.0.0.1:8000"},
		{"-port 8080 hello:app", "--port" + no + "write --bind 127.0.0.1:8080"},
		{"--interface wsgi hello:app", "--interface" + no + "gowsgi serves WSGI only; leave this out"},
		{"--interface asgi hello:app", "--interface" + no + "gowsgi serves WSGI only; name a WSGI application and leave this out"},
		{"--blocking-threads 4 hello:app", "--blocking-threads" + no + "write --threads 4"},
		{"--listen=*:8080 hello:app", "--listen" + no + "write --bind :8080"},
		{"--uds /run/app.sock hello:app", "--uds" + no + "write --bind unix:/run/app.sock"},
		{"--no-access-log hello:app", "--no-access-log" + no + "there is no access log unless --access-logfile names one; leave this out"},
		{"--access-log hello:app", "--access-log" + no + "write --access-logfile -"},
		{"--access-log=a.log hello:app", "--access-log" + no + "write --access-logfile a.log"},
		{"--limit-max-requests 5 hello:app", "--limit-max-requests" + no + "write --max-requests 5"},
		{"--timeout-keep-alive 5 hello:app", "--timeout-keep-alive" + no + "write --keep-alive 5"},
		{"--timeout_graceful_shutdown 5 hello:app", "--timeout-graceful-shutdown" + no + "write --graceful-timeout 5"},
		{"--factory hello:make", "--factory" + no + "a factory is written with its parentheses: gowsgi 'myproject.wsgi:make()'"},
		{"--ssl-keyfile k.pem hello:app", "--ssl-keyfile" + no + "write --keyfile k.pem"},
		{"--ssl-certfile c.pem hello:app", "--ssl-certfile" + no + "write --certfile c.pem"},
		{"--app hello", "--app" + no + "the application is written without an option: gowsgi hello"},
		{"-A hello:app", "--app" + no + "the application is written without an option: gowsgi hello:app"},
		{"--listen=443 hello:app", "--listen" + no + "for the port write --bind :443, for the length of the queue, as in uWSGI, --backlog 443"},
		{"-l 1024 hello:app", "--listen" + no + "for the port write --bind :1024, for the length of the queue, as in uWSGI, --backlog 1024"},
		{"--access-log=off hello:app", "--access-log" + no + "there is none unless --access-logfile names one; leave this out"},
		// What people call what faces the internet.
		{"--ssl-cert c.pem --ssl-certificate-key k.pem hello:app", ""},
		{"--ssl-cert c.pem hello:app", "--ssl-cert" + no + "write --certfile c.pem"},
		{"--tls-cert c.pem hello:app", "--tls-cert" + no + "write --certfile c.pem"},
		{"--tls-key k.pem hello:app", "--tls-key" + no + "write --keyfile k.pem"},
		{"--ssl-certificate-key k.pem hello:app", "--ssl-certificate-key" + no + "write --keyfile k.pem"},
		{"--client-max-body-size 10m hello:app", "--client-max-body-size" + no + "write --limit-request-body 10m"},
		{"--max-body 10m hello:app", "--max-body" + no + "write --limit-request-body 10m"},
		{"--gzip hello:app", "--gzip" + no + "write --compress"},
		{"--gzip on hello:app", "--gzip" + no + "write --compress"},
		{"--domain example.org hello:app", "--domain" + no + "write --server-name example.org"},
		{"--email me@example.org hello:app", "--email" + no + "write --acme-email me@example.org"},
		{"--root /srv/www hello:app", "--root" + no + "write --document-root /srv/www"},
		{"--static-root /srv/static hello:app", "--static-root" + no + sayStatic},
		{"--limit-conn 10 hello:app", "--limit-conn" + no + "write --max-connections-per-address 10"},
		{"--limit-req zone hello:app", "--limit-req" + no + "write --limit-rate 10/s, and --limit-rate-burst N"},
		{"--real-ip-header X-Real-IP hello:app", "--real-ip-header" + no + sayProxies + ", and --forwarded-fields with what they set"},
		{"--ssl hello:app", "--ssl" + no + sayHTTPS},
		{"--tls hello:app", "--tls" + no + sayHTTPS},
		{"--acme hello:app", "--acme" + no + "write --server-name example.org: its certificate is obtained and renewed"},
		{"--letsencrypt me@example.org hello:app", "--letsencrypt" + no + "write --server-name example.org: its certificate is obtained and renewed"},
		{"--redirect hello:app", "--redirect" + no + "write --redirect-http 80: requests to that port are sent to https"},
		{"--http-redirect 80 hello:app", "--http-redirect" + no + "write --redirect-http 80: requests to that port are sent to https"},
		// uWSGI.
		{"--http :9090 --wsgi-file foobar.py", ""},
		{"--http :9090 hello:app", "--http" + no + "write --bind :9090"},
		{"--http 1 hello:app", "--http" + no + "gowsgi settles that with each client; leave this out"},
		{"--module wsgi --callable app", "--module, --callable" + no + "the application is written without an option: gowsgi wsgi:app"},
		{"-s /run/app.sock hello:app", "--socket" + no + "gowsgi speaks HTTP, not uWSGI's protocol: write --bind unix:/run/app.sock, and in nginx proxy_pass for uwsgi_pass"},
		{"--processes 4 hello:app", "--processes" + no + "write --workers 4"},
		{"--ini uwsgi.ini", "--ini" + no + "gowsgi reads no files of uWSGI's; write what uwsgi.ini sets to a TOML file (gowsgi --print-config shows one) and name that with -c"},
		{"-M hello:app", "--master" + no + "gowsgi always does; leave this out"},
		{"-H .venv hello:app", "--home" + no + "write --venv .venv"},
		{"--harakiri 20 hello:app", "--harakiri" + no + "write --timeout 20"},
		{"--reload-on-rss 200 hello:app", "--reload-on-rss" + no + "write --max-worker-memory 200M"},
		{"--touch-reload conf/*.yaml hello:app", "--touch-reload" + no + "write --reload-extra-file 'conf/*.yaml'"},
		{"-w hello:app", "--workers: is the number of workers, as in Gunicorn; the application is written without an option: gowsgi hello:app"},
		{"-p 4 hello:app", "--pid: is the file for the process id, as in Gunicorn; for the port write --bind :4, for the number of workers --workers 4, for a file of that name ./4"},
		{"--log-format %(method) hello:app", "--log-format: is text or json, of the whole log; for the lines of the access log write --access-logformat"},
		// mod_wsgi-express, runserver.
		{"--url-alias /static static hello.wsgi", ""},
		{"--log-to-terminal hello.wsgi", "--log-to-terminal" + no + "the log goes to standard error unless --error-logfile names a file; leave this out"},
		{"--settings mysite.production mysite.wsgi", "--settings" + no + "write --env DJANGO_SETTINGS_MODULE=mysite.production"},
		{"--noreload mysite.wsgi", "--noreload" + no + "code is loaded anew only with --reload; leave this out"},
		{"-V", "-V" + no + "the versions are written by gowsgi --version"},
		// Words.
		{"run hello:app", "command line: target: gowsgi needs no run: write gowsgi hello:app"},
		{"serve", "command line: target: gowsgi needs no serve: write gowsgi myproject.wsgi:application"},
		{"start-server site.wsgi", "command line: target: gowsgi needs no start-server: write gowsgi site.wsgi"},
		{"manage.py runserver 0.0.0.0:8000", "command line: target: gowsgi needs no runserver: write gowsgi myproject.wsgi:application --bind 0.0.0.0:8000"},
		{"hello:app 8000", `command line: target: "8000" is an address: write gowsgi hello:app --bind 127.0.0.1:8000`},
		{"help", "command line: target: gowsgi has no command help: write gowsgi --help"},
		{"version", "command line: target: gowsgi has no command version: write gowsgi --version"},
		{"restart", "command line: target: gowsgi has no command restart: write gowsgi reload, or gowsgi upgrade if the program itself is another by now"},
		{"reload hello:app", "command line: target: the command reload is for a gowsgi that runs, and knows its application: write gowsgi reload"},
		{"uwsgi.ini", `command line: target: "uwsgi.ini" is no application, and gowsgi reads no such settings; name the application, such as gowsgi ` +
			"myproject.wsgi:application, and write the settings to a TOML file (gowsgi --print-config shows one) for -c"},
		{"site.toml", `command line: target: "site.toml" is a file of settings: write gowsgi -c site.toml, and the application unless the file names it`},
	} {
		t.Run(test.args, func(t *testing.T) {
			got := problems(t, words(test.args), nil, nil)
			if test.want != "" && (len(got) != 1 || got[0] != test.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), test.want)
			}
			if len(got) == 0 || slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, "did you mean") }) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAWordInTheFileIsBlamedThere(t *testing.T) {
	got := problems(t, nil, nil, files{"gowsgi.toml": "\ntarget = 'serve'"})
	if len(got) != 1 || !strings.HasPrefix(got[0], "gowsgi.toml line 2: target: gowsgi needs no serve") {
		t.Errorf("got %q", got)
	}
}

func TestAModuleNamedLikeACommandIsAnApplication(t *testing.T) {
	for args, file := range map[string]string{
		"run":                        "run.py",
		"serve":                      "serve/__init__.py",
		"--chdir /srv help":          "/srv/help.py",
		"--pythonpath src,lib check": "lib/check.py",
		"run:app":                    "",
		"version.py":                 "",
	} {
		mustLoad(t, words(args), nil, files{file: ""})
	}
}

func TestEveryAdviceNamesASettingThatTakesItsValue(t *testing.T) {
	rows := map[string]setting{}
	for _, row := range table() {
		rows[row.name] = row
	}
	for _, option := range foreignOptions {
		if option.setting == "" {
			if option.say == "" && option.odd == nil {
				t.Errorf("%s: nothing is said", option.names)
			}
			continue
		}
		row, known := rows[option.setting]
		if !known {
			t.Errorf("%s: there is no setting %s", option.names, option.setting)
			continue
		}
		if row.name == "mount" || row.name == "workers" || row.name == "threads" {
			continue
		}
		var errs []error
		taken := slices.ContainsFunc([]string{"5000", "10.0.0.1", "me@example.org"}, func(value string) bool {
			s := Defaults()
			err := row.kind.parse(&s, []string{fill(option.as, value, nil)})
			errs = append(errs, err)
			return err == nil
		})
		if !taken {
			t.Errorf("%s: %v", option.names, errs)
		}
	}
}

func TestKeysOfOtherServersAreTranslatedInTheFile(t *testing.T) {
	for file, want := range map[string]string{
		"port = 8080":            `gowsgi.toml line 1: port: there is no such setting: write bind = "127.0.0.1:8080"`,
		"processes = 4":          "gowsgi.toml line 1: processes: there is no such setting: write workers = 4",
		"home = '.venv'":         `gowsgi.toml line 1: home: there is no such setting: write venv = ".venv"`,
		"working_dir = '/srv'":   `gowsgi.toml line 1: working_dir: there is no such setting: write chdir = "/srv"`,
		"limit_concurrency = 10": "gowsgi.toml line 1: limit_concurrency: there is no such setting: write backlog_requests = 10",
	} {
		if got := problems(t, words("app"), nil, files{"gowsgi.toml": file}); len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFilesForOtherProgramsAreKnown(t *testing.T) {
	for _, test := range []struct{ path, text, what string }{
		{"uwsgi.ini", "# ours\n[uwsgi]\nmodule = wsgi:app\nmaster = true\n", "for uWSGI"},
		{"uwsgi.ini", "[uwsgi]\nprocesses = 4\n", "for uWSGI"}, // this one is TOML, too
		{"u.xml", "<uwsgi>\n<socket>:1</socket></uwsgi>", "for uWSGI"},
		{"u.yaml", "uwsgi:\n  socket: x\n", "for uWSGI"},
		{"u.json", `{"uwsgi": {"socket": "x"}}`, "for uWSGI"},
		{"production.ini", "[app:main]\nuse = egg:x\n", "for Paste"},
		{"vhost.conf", "<VirtualHost *:80>\n  WSGIScriptAlias / /srv/site.wsgi\n</VirtualHost>\n", "Apache's"},
		{"site.conf", "server {\n  listen 80;\n}\n", "nginx's"},
		{"site.conf", "upstream app {\n  server unix:/run/app.sock;\n}\n", "nginx's"},
		{"site.service", "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/x\n", "systemd's"},
		{"site.conf", "[program:site]\ncommand=x\n", "supervisord's"},
		{"gunicorn.conf", "import os\nbind = ':80'\n", "Python, as Gunicorn has it"},
		{"odd.ini", "a: b\n", "an ini file, as uWSGI and Paste have"},
	} {
		want := `--config: "` + test.path + `" is ` + test.what + "; write its settings to a TOML file (gowsgi --print-config shows one) and name that"
		if got := problems(t, words("-c "+test.path+" app"), nil, files{test.path: test.text}); len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	// What is TOML is read, whatever it is called and holds.
	inv := mustLoad(t, words("-c gowsgi.ini app"), nil, files{"gowsgi.ini": "threads = 3\nenv = ['''A=\n[uwsgi]\nimport x\n''']\n"})
	if inv.Settings.Threads != 3 {
		t.Errorf("%+v", inv.Settings)
	}
}
