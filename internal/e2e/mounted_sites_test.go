package e2e

import (
	"net/http"
	"testing"
)

// Django, Flask and Bottle in one process, with all that each has to pass alone: Django
// as the main application, the others on hosts of their own and below a path.
func TestThreeFrameworksInOneProcess(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := newDjangoIn(t, Venv(t, "mounted_sites"))
		flask, bottle := `timing:around("flask_site.app:application")`, `timing:around("bottle_site.app:application")`
		s.Server = Start(t, Options{
			Target: `timing:around("mysite.wsgi:application")`,
			Args: append([]string{
				"--pythonpath", Testapps(), "--mount", "flask.example=" + flask, "--mount", "bottle.example=" + bottle, "--mount", "/flask=" + flask,
			}, mode.Args...),
			Dir: Testapps("django_site"), Venv: s.venv, Env: append(s.env(), mode.Env...),
		})
		for name, host := range map[string]string{"Flask": "flask.example", "Bottle": "bottle.example", "Django": ""} {
			t.Run(name, func(t *testing.T) {
				t.Parallel() // each beside the others
				one := s.site
				one.name = name
				if host != "" {
					server := *s.Server
					server.URL = s.scheme() + "://" + host
					one.Server = &server
				}
				one.check(t)
			})
		}
		t.Run("below a path", func(t *testing.T) {
			t.Parallel()
			c := s.Client(t)
			s.get(t, c, "/flask/").WantPart(t, 200, "Welcome to Flask")
			c.Form("/flask/login", "user", "u").WantRedirect(t, "/flask/me")
			s.get(t, c, "/flask/me").Want(t, 200, "user=u visits=1")
			s.get(t, c, "/flask/no/such/page").WantPart(t, 404, "There is no such page here.")
			if status := c.Get("/flaskx").Status; status != http.StatusNotFound {
				t.Errorf("beside it: %d", status)
			}
		})
	})
}
