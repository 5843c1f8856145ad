package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func at[T any](value T) *T { return &value }

// All ways to write mounts say the same.
func TestMountsCanBeWrittenInSeveralWays(t *testing.T) {
	plain := []Mount{{Path: "/api", Target: "api:app"}, {Hosts: []string{"b.example"}, Target: "b:app"}}
	for _, test := range []struct {
		name, args string
		environ    []string
		file       string
		path       string
		mounts     []Mount
	}{
		{"options", "--mount /api=api:app --mount B.example=b:app x:app", nil, "", "", plain},
		{"options, with the path of the target", "--mount /api=api:app --mount /x --mount b.example/=b:app x:app", nil, "", "/x", plain},
		{"no target", "--mount /api=api:app --mount b.example=b:app", nil, "", "", plain},
		{"a variable", "x:app", []string{"GOWSGI_MOUNT=/api=api:app\n/x\nb.example=b:app"}, "", "/x", plain},
		{"an array", "x:app", nil, `mount = ["/x", "/api=api:app", "b.example/=b:app"]`, "/x", plain},
		{"an array of inline tables", "x:app", nil, `mount = [{path="/x"}, {path = "/api", target="api:app"}, {hosts = ["b.example"], target="b:app"}]`, "/x", plain},
		{"tables", "x:app", nil, "[[mount]]\npath='/x'\n[[mount]]\npath='/api/'\ntarget='api:app'\n[[mount]]\npath='/'\nhosts='b.example'\ntarget='b:app'\n", "/x", plain},
		{
			"a table with all keys", "x:app", nil,
			"[[mount]]\npath='/a'\nhosts=['*.A.example', '.a.example', 'c.example', 'C.example', '[::1]']\ntarget='a(1).wsgi:make(x=\"=\")'\nthreads=2\ntimeout='1m'\nlimit_request_body='10M'\n", "",
			[]Mount{{
				Path: "/a", Hosts: []string{"*.a.example", ".a.example", "c.example", "[::1]"}, Target: `a(1).wsgi:make(x="=")`, Threads: 2,
				Timeout: at(time.Minute), LimitRequestBody: at(int64(10 << 20)),
			}},
		},
		{"a table that takes limits away", "x:app", nil, "[[mount]]\npath='/a'\ntarget='a'\ntimeout=0\nlimit_request_body=0\n", "", []Mount{{Path: "/a", Target: "a", Timeout: at(time.Duration(0)), LimitRequestBody: at(int64(0))}}},
		{
			"tables with guards and files", "x:app", nil,
			"[[mount]]\npath='/a'\ntarget='a'\nallow='10.0.0.0/8, unix'\ndeny=['10.1.0.0/16']\nbasic_auth='users'\nstatic='/s/=some files'\n[[mount]]\npath='/b'\ntarget='b'\ndeny=[]\nbasic_auth=''\n", "",
			[]Mount{
				{Path: "/a", Target: "a", Allow: at([]string{"10.0.0.0/8", "unix"}), Deny: at([]string{"10.1.0.0/16"}), BasicAuth: at("users"), Static: []string{"/s=some files"}},
				{Path: "/b", Target: "b", Deny: at([]string{}), BasicAuth: at("")},
			},
		},
		{"a factory with =", "--mount /a=a:make(b=1) x:app", nil, "", "", []Mount{{Path: "/a", Target: "a:make(b=1)"}}},
		{"the command line has other mounts than the file, and leaves its path", "--mount /b=b:app x:app", nil, "mount=['/x', '/a=a:app']", "/x", []Mount{{Path: "/b", Target: "b:app"}}},
		{"the command line has another path than the file, and leaves its mounts", "--mount /y x:app", nil, "mount=['/x', '/a=a:app']", "/y", []Mount{{Path: "/a", Target: "a:app"}}},
		{"a platform's path stays with mounts of the command line", "--mount /b=b:app x:app", []string{"SCRIPT_NAME=/x"}, "", "/x", []Mount{{Path: "/b", Target: "b:app"}}},
		{"a platform's path is weaker than one of the command line", "--mount /b=b:app --mount /y x:app", []string{"SCRIPT_NAME=/x"}, "", "/y", []Mount{{Path: "/b", Target: "b:app"}}},
		{"the same path of other hosts", "--mount /a=a:app --mount h/a=b:app x:app", nil, "", "", []Mount{{Path: "/a", Target: "a:app"}, {Hosts: []string{"h"}, Path: "/a", Target: "b:app"}}},
		{"a name, and all below it", "--mount .h/a=a:app --mount x.h/a=b:app x:app", nil, "", "", []Mount{{Hosts: []string{".h"}, Path: "/a", Target: "a:app"}, {Hosts: []string{"x.h"}, Path: "/a", Target: "b:app"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := files{}
			if test.file != "" {
				f["gowsgi.toml"] = test.file
			}
			got := mustLoad(t, words(test.args), test.environ, f).Settings
			if got.Mount != test.path || !reflect.DeepEqual(got.Mounts, test.mounts) {
				t.Errorf("got  %q %+v\nwant %q %+v", got.Mount, got.Mounts, test.path, test.mounts)
			}
			again := mustLoad(t, words("-c x.toml"), nil, files{"x.toml": printed(t, got)}).Settings
			if !reflect.DeepEqual(again, got) {
				t.Errorf("printed and read again\ngot  %+v\nwant %+v", again, got)
			}
		})
	}
}

func TestWhatIsWrongWithMountsIsSaid(t *testing.T) {
	for _, test := range []struct{ name, args, file, want string }{
		{"the target's place twice", "--mount /=b:app x:app", "", "--mount: x:app and b:app are both at /; give"},
		{"one below the target's path", "--mount /x --mount /x=b:app x:app", "", "--mount: x:app and b:app are both at /x; give"},
		{"a place twice", "--mount /a=b:app --mount /a=c:app x:app", "", "--mount: b:app and c:app are both at /a; give"},
		{"a place twice, of a host", "x:app", "[[mount]]\nhosts=['h','i']\npath='/a'\ntarget='b'\n[[mount]]\nhosts=['J','I']\npath='/a'\ntarget='c'", "gowsgi.toml line 5: mount: b and c are both at i/a; give"},
		{"no target behind the =", "--mount /a= x:app", "", `--mount: "/a=": behind the = there must be an application`},
		{"no path", "--mount =a:app x:app", "", `--mount: "=a:app": the path before the =`},
		{"a path with a query", "--mount /a?=a:app x:app", "", `--mount: "/a?=a:app": the path before the =`},
		{"a host with a port", "--mount h:80/a=a:app x:app", "", `--mount: "h:80/a=a:app": must be without a port`},
		{"a URL", "--mount https://h.example:8443/a=a:app x:app", "", `--mount: "https://h.example:8443/a=a:app": a host is written without https://; write "h.example/a=a:app"`},
		{"a URL for a host", "x:app", "[[mount]]\nhosts='https://h.example'\ntarget='a'", `hosts of [[mount]] must be a list of host names without https:// or a port`},
		{"an allowed URL", "--allowed-hosts http://a.example:80/x x:app", "", `--allowed-hosts: "http://a.example:80/x": must be a host name, without http://; write a.example`},
		{"an allowed URL without a host", "--allowed-hosts https:// x:app", "", `--allowed-hosts: "https://": must be a host name, without https://`},
		{"a host that is none", "--mount h..i/a=a:app x:app", "", `--mount: "h..i/a=a:app": must be a host name`},
		{"a host in letters of its own", "--mount ä.example=a:app x:app", "", `must be in ASCII`},
		{"a path where there is no target", "--mount /x --mount /a=a:app", "", `--mount: "/x" is where the target is, and there is none; write "/x=module:callable"`},
		{"an unknown key", "x:app", "[[mount]]\npath='/a'\ntarget='a'\nhost='h'", "[[mount]] has no key host; did you mean hosts?"},
		{"threads", "x:app", "[[mount]]\npath='/a'\ntarget='a'\nthreads=0", "threads of [[mount]] must be a whole number of threads"},
		{"timeout", "x:app", "[[mount]]\npath='/a'\ntarget='a'\ntimeout='x'", `timeout of [[mount]] must be a time from 0 to 24h`},
		{"allow", "x:app", "[[mount]]\npath='/a'\ntarget='a'\nallow=['example.org']", `allow of [[mount]] must be a list of IP addresses`},
		{"allow with everybody", "x:app", "[[mount]]\npath='/a'\ntarget='a'\nallow=['10.0.0.1', '*']", `allow of /a: * allows every address`},
		{"basic_auth", "x:app", "[[mount]]\npath='/a'\ntarget='a'\nbasic_auth=true", `basic_auth of [[mount]] must be a file made with htpasswd -B`},
		{"static", "x:app", "[[mount]]\npath='/a'\ntarget='a'\nstatic='django'", `static of [[mount]] must be a list of /path=DIR`},
		{"static twice", "x:app", "[[mount]]\npath='/a'\ntarget='a'\nstatic=['/s=x', '/s/=y']", `static of /a: "/s" is given twice`},
		{"path", "x:app", "[[mount]]\npath='a'\ntarget='a'", `path of [[mount]] must be a path such as /api, or /, not "a"`},
		{"neither path nor hosts", "x:app", "[[mount]]\ntarget='a'", `[[mount]] of a has neither path nor hosts`},
		{"no target, and more than a path", "x:app", "[[mount]]\npath='/a'\nthreads=1", `[[mount]] without a target`},
		{"a number", "x:app", "mount = 1", `must be a path such as /app`},
		{"an array with a number", "x:app", "mount = ['/a=a', 1]", `not 1`},
		{"an own path that is a mount", "--mount /a=a:app --metrics-path /a x:app", "", "would take the application's own first page, since mount is /a"},
		{"a warm-up that nobody answers", "--mount /a=a:app --warmup /b", "", `is not below the mount`},
		{"* and others", "--allowed-hosts *,a.example x:app", "", "--allowed-hosts: * allows every host"},
		{"an allowed host with a port", "--allowed-hosts a.example:80 x:app", "", `--allowed-hosts: "a.example:80": must be without a port`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := files{}
			if test.file != "" {
				f["gowsgi.toml"] = test.file
			}
			got := problems(t, words(test.args), nil, f)
			if len(got) != 1 || !strings.Contains(got[0], test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// Whoever forgets the slash has said something else, which is not wrong.
func TestAHostThatLooksLikeAPathIsNoted(t *testing.T) {
	inv := mustLoad(t, words("--mount api=api:app --mount /x=x:app --mount localhost=l:app --mount b.example=b:app --mount web/y=y:app --mount [::1]=v6:app x:app"), nil, files{})
	want := []Note{{Text: "--mount: api=api:app is for the host api; what is below a path is written /api=api:app"}}
	if !reflect.DeepEqual(inv.Notes, want) {
		t.Errorf("%v", inv.Notes)
	}
}

func TestMountsHaveNames(t *testing.T) {
	s := mustLoad(t, words("--mount /x --mount /api=api:app --mount b.example=b:app x:app"), nil, files{}).Settings
	var names []string
	for _, m := range s.Applications() {
		names = append(names, m.Name()+" "+m.Target)
	}
	if want := []string{"/x x:app", "/api api:app", "b.example/ b:app"}; !reflect.DeepEqual(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if s.Title() != "x:app" {
		t.Errorf("the whole is called %q", s.Title())
	}
}
