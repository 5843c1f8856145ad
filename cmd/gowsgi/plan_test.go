package main

import (
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/identity"
)

func written(t *testing.T, plan found, file string) string {
	t.Helper()
	var table strings.Builder
	if err := writePlan(&table, plan, config.Invocation{ConfigFile: file}); err != nil {
		t.Fatal(err)
	}
	return table.String()
}

func TestPlanIsATable(t *testing.T) {
	s := config.Defaults()
	s.Target, s.Chdir, s.Mount = "shop.wsgi:application", "/srv/shop", "/shop"
	s.Bind = []string{"127.0.0.1:8000", "unix:/run/shop.sock", "fd://3"}
	s.Workers, s.Threads, s.User, s.AccessLogfile = 2, 1, "shop", "/var/log/shop/access.log"
	s.KeepAlive, s.Timeout, s.HeaderTimeout = 0, 0, 1500*time.Millisecond
	plan := found{
		settings: s, python: control.Python{Version: "3.11.7", Prefix: "/srv/shop/venv", From: "--venv"},
		who: identity.Identity{Credential: &syscall.Credential{}, UID: 33, GID: 34, Warning: "mind the gap"},
	}
	want := `application    shop.wsgi:application below /shop
               in /srv/shop
CPython        3.11.7, /srv/shop/venv
               found by --venv
listening on   http://127.0.0.1:8000
               unix:/run/shop.sock
               fd://3
workers        2 workers with 1 thread each
user           shop, number 33, group 34
log            text from level info to standard error; access log to
               /var/log/shop/access.log
timeouts       start 120 s, queue 30 s, request none, header 1.5 s, body 20 s,
               write 60 s, keep-alive 0 s, stop 30 s
settings from  /etc/gowsgi.toml, environment and command line
note           mind the gap
`
	if got := written(t, plan, "/etc/gowsgi.toml"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPlanFitsEightyColumns(t *testing.T) {
	s := config.Defaults()
	s.Target = strings.Repeat("a ", 300)
	s.Chdir = "/srv"
	s.AccessLogfile, s.LogSyslog = "/var/log/"+strings.Repeat("x", 40), true
	for _, line := range strings.Split(written(t, found{settings: s}, ""), "\n") {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("%q is too long", line)
		}
	}
}
