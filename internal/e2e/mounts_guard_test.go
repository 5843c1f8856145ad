package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Who may send requests can be said for each mount: no spelling of a path and no host
// is a way around it, and what is open stays so.
func TestMountsAreGuardedByThemselves(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "users"), fmt.Sprintf("anna:%s\n", hash))
	write(t, filepath.Join(folder, "files", "a.txt"), "a file\n")
	for name, c := range map[string]struct {
		all    string // settings for all
		places []place
	}{
		"the rest is open": {"", []place{
			{"x", "/", "main 1 "},
			{"x", "/api/x", "403 Forbidden"},
			{"x", "/%61pi", "403 Forbidden"},
			{"x", "/api%2Fx", "403 Forbidden"},
			{"x", "//api/x", "main 1 "}, // is not /api's: it is the main one that judges it
			{"x", "/api/open/x", "open 3 "},
			{"x", "/api/../open", "403 Forbidden"},
			{"x", "/near", "near 5 "},
			{"x", "/secret/x", "401 Unauthorized"},
			{"x", "/secret/files/a.txt", "401 Unauthorized"},
			{"x", "http://y/secret", "401 Unauthorized"},
			{"shop.example", "/", "401 Unauthorized"},
			{"SHOP.example:80", "/x", "401 Unauthorized"},
			{"shop.example", "/free", "free 7 "},
			{"x", "/free", "main 1 "},
		}},
		"the rest is not": {"allow = '10.0.0.0/8'\nbasic_auth = '" + folder + "/users'\n", []place{
			{"x", "/", "403 Forbidden"},
			{"x", "/api/x", "403 Forbidden"},
			{"x", "/api/open/x", "401 Unauthorized"},
			{"x", "/near", "401 Unauthorized"},
			{"x", "/secret/x", "403 Forbidden"},
			{"shop.example", "/free", "free 7 "},
			{"x", "/free", "403 Forbidden"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			Modes(t, func(t *testing.T, mode Mode) {
				config := filepath.Join(folder, strings.ReplaceAll(t.Name(), "/", "-"))
				write(t, config, c.all+`
[[mount]]
path = "/api"
target = "mounted:make('api')"
deny = "*"
[[mount]]
path = "/api/open"
target = "mounted:make('open')"
deny = []
[[mount]]
path = "/secret"
target = "mounted:make('secret')"
basic_auth = "`+folder+`/users"
static = "/files=`+folder+`/files"
[[mount]]
path = "/near"
target = "mounted:make('near')"
allow = ["127.0.0.0/8", "unix"]
[[mount]]
hosts = "shop.example"
path = "/"
target = "mounted:make('shop')"
basic_auth = "`+folder+`/users"
[[mount]]
hosts = "shop.example"
path = "/free"
target = "mounted:make('free')"
basic_auth = ""
allow = "*"
`)
				s := startContractTarget(t, "mounted:application", Options{Args: append([]string{"-c", config}, mode.Args...), Env: mode.Env})
				for _, p := range c.places {
					p.check(t, s.Server)
				}
				if c.all != "" {
					return
				}
				for target, want := range map[string]string{"/secret/x": "secret 4 script=/secret path=/x ", "/secret/files/a.txt": "a file\n"} {
					conn := Dial(t, s.Server)
					conn.ask("GET", target, "HTTP/1.1", basic("anna", "secret"))
					if r := conn.Response("GET"); r.Status != 200 || !strings.HasPrefix(r.Body, want) {
						t.Errorf("%s with a password: %d %q", target, r.Status, r.Body)
					}
				}
			})
		})
	}
}

// A mount's files are below its path, for its hosts, and are no way around another one.
func TestMountsHaveFilesOfTheirOwn(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "shop", "a.txt"), "the shop's\n")
		write(t, filepath.Join(folder, "shop", "inner", "a.txt"), "not for everybody\n")
		write(t, filepath.Join(folder, "api", "a.txt"), "the api's\n")
		config := filepath.Join(folder, "c.toml")
		write(t, config, `
[[mount]]
path = "/api"
target = "mounted:make('api')"
static = ["/static/=`+folder+`/api", "/more=`+folder+`/shop"]
[[mount]]
path = "/api/more/inner"
target = "mounted:make('inner')"
[[mount]]
hosts = ".shop.example"
path = "/"
target = "mounted:make('shop')"
static = "/static=`+folder+`/shop"
`)
		s := startContractTarget(t, "mounted:application", Options{Args: append([]string{"-c", config}, mode.Args...), Env: mode.Env})
		for _, p := range []place{
			{"x", "/static/a.txt", "main 1 "},
			{"x", "/api/static/a.txt", "the api's"},
			{"x", "/%61pi/static/%61.txt?v=1", "the api's"},
			{"x", "/api/static//a.txt", "the api's"},
			{"x", "/api/static/none", "404 Not Found"},
			{"x", "/api/static/../more/a.txt", "404 Not Found"},
			{"x", "/api/statics", "api 2 script=/api path=/statics "},
			{"x", "/api/more/a.txt", "the shop's"},
			{"x", "/api/more/inner/a.txt", "inner 3 script=/api/more/inner path=/a.txt "},
			{"x", "/api/more//inner/a.txt", "api 2 script=/api path=/more//inner/a.txt "},
			{"x", "//api/static/a.txt", "main 1 "},
			{"www.shop.example", "/static/a.txt", "the shop's"},
			{"shop.example", "/static/inner/a.txt", "not for everybody"},
			{"shop.example", "/api/static/a.txt", "the api's"}, // the longer path
		} {
			p.check(t, s.Server)
		}
	})
	t.Run("that are not there", func(t *testing.T) {
		config := filepath.Join(t.TempDir(), "c.toml")
		write(t, config, "[[mount]]\npath='/api'\ntarget=\"mounted:make('api')\"\nstatic='/static=/no/such'\nbasic_auth='/no/users'\n")
		r := Run(t, Options{Dir: Testapps()}, "--check-config", "--venv", PlainVenv(t), "-c", config, "mounted:application")
		if r.Status != 2 || !strings.Contains(r.Errors, "basic-auth: ") || !strings.Contains(r.Errors, "/no/users") {
			t.Errorf("status %d: %s", r.Status, r.Errors)
		}
		write(t, config, "[[mount]]\npath='/api'\ntarget=\"mounted:make('api')\"\nstatic='/static=/no/such'\n")
		r = Run(t, Options{Dir: Testapps()}, "--check-config", "--venv", PlainVenv(t), "-c", config, "mounted:application")
		if r.Status != 2 || !strings.Contains(r.Errors, "static of mount /api") || !strings.Contains(r.Errors, "/no/such") {
			t.Errorf("status %d: %s", r.Status, r.Errors)
		}
	})
}
