package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What collectstatic has made, by the settings of the site itself.
func TestDjangosStaticFiles(t *testing.T) {
	s := newDjango(t)
	root := filepath.Join(t.TempDir(), "static files")
	env := append(s.env(), "STATIC_ROOT="+root, "DJANGO_SETTINGS_MODULE=mysite.collected", "PYTHONPATH="+Testapps())
	manage := func(args ...string) string {
		return mustIn(t, Testapps("django_site"), env, filepath.Join(s.venv, "bin", "python"), append([]string{"manage.py"}, args...)...)
	}
	manage("collectstatic", "--noinput", "-v0")
	for _, args := range [][]string{nil, {"--preload", "--workers", "2"}, {"--mount", "/site"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			server := Start(t, Options{
				Target: "mysite.wsgi:application", Dir: Testapps("django_site"), Venv: s.venv, Env: env,
				Args: append(slices.Clone(args), "--pythonpath", Testapps(), "--static", "django"),
			})
			below := ""
			if len(args) > 0 && args[0] == "--mount" {
				below = args[1]
			}
			server.WaitLog(t, fmt.Sprintf("event=static.found path=%s/static folder=%q", below, root))
			c := server.Client(t)
			page := c.Get(below + "/admin/login/")
			_, rest, _ := strings.Cut(page.Body, `href="`+below+"/static/admin/css/base.")
			hash, _, found := strings.Cut(rest, ".css")
			if !found {
				t.Fatalf("no stylesheet with a fingerprint: %.2000s", page.Body)
			}
			style := c.Get(below + "/static/admin/css/base." + hash + ".css")
			if style.Status != 200 || style.Header.Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(style.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("%d %v", style.Status, style.Header)
			}
			plain := c.Get(below + "/static/admin/css/base.css")
			if plain.Status != 200 || plain.Header.Get("Cache-Control") != "max-age=60" {
				t.Errorf("%d %v", plain.Status, plain.Header)
			}
			c.Get(below+"/static/nothing.css").Want(t, 404, "404 Not Found\n")
		})
	}
	t.Run("in the folder of its source", func(t *testing.T) {
		r := Run(t, Options{Dir: Testapps("django_site"), Env: append(env, "STATIC_ROOT="+Testapps())}, "--check-config", "--venv", s.venv, "--pythonpath", Testapps(), "--static", "django", "mysite.wsgi:application")
		if r.Status != 2 || !strings.Contains(r.Errors, "its source would be public") {
			t.Errorf("status %d, %s", r.Status, r.Errors)
		}
	})
	t.Run("before collectstatic", func(t *testing.T) {
		if err := os.RemoveAll(root); err != nil {
			t.Fatal(err)
		}
		r := Run(t, Options{Dir: Testapps("django_site"), Env: env}, "--check-config", "--venv", s.venv, "--pythonpath", Testapps(), "--static", "django", "mysite.wsgi:application")
		if r.Status != 2 || !strings.Contains(r.Errors, "manage.py collectstatic") {
			t.Errorf("status %d, %s", r.Status, r.Errors)
		}
	})
}
