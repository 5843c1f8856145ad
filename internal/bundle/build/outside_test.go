package build

import (
	"slices"
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
)

func TestFilesThatStayOutsideAreNamedIfTheirPathIsRelative(t *testing.T) {
	c := newCollection()
	c.noteOutside(&config.Settings{
		Certfile: []string{"tls/cert.pem", "/etc/ssl/other.pem"}, Keyfile: []string{"tls/key.pem", "/etc/ssl/other.key"},
		BasicAuth: "users", ErrorPage: []string{"502,503=down.html", "404=/srv/404.html"},
	}, "/srv/site")
	const rest = " stays outside, and is looked for in the folder where site is started: write its whole path"
	want := []string{"certfile tls/cert.pem" + rest, "keyfile tls/key.pem" + rest, "basic_auth users" + rest, "error_page down.html" + rest}
	if !slices.Equal(c.notes, want) {
		t.Errorf("%q", c.notes)
	}
}
