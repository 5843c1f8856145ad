package build

import (
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
)

func TestAnApplicationThatDoesNotGoInIsNoBundle(t *testing.T) {
	top := folder(t, map[string]string{
		"hello.py": "", "mysite/wsgi.py": "", "src/shop/__init__.py": "", "site.wsgi": "", "deploy/x.wsgi": "", "odd(name).py": "",
		"left.py": "", "extension/fast.cpython-311-x86_64-linux-gnu.so": "",
	})
	c := newCollection()
	if err := c.addApplication(top, top+"/out", nil, []string{"left.py"}); err != nil {
		t.Fatal(err)
	}
	c.add(source{path: "venv/lib/python3.11/site-packages/wagtail/wsgi.py"})
	for target, want := range map[string]string{
		"hello": "", "hello:app": "", "hello:make('a:b', x=1)": "", "hello()": "", "mysite.wsgi": "", "mysite.wsgi:application": "", "shop:app": "",
		"site.wsgi": "", "./site.wsgi": "", "hello.py:app": "", "deploy/x.wsgi": "", "odd(name).py": "", "wagtail.wsgi:application": "", "extension.fast:app": "",
		"mysite.wsgi.application": `no module named "mysite.wsgi.application" goes in`, "hell:app": `no module named "hell" goes in`,
		"wsgi:application": "", "left:app": "no module named", "left.py": "the application's file left.py is not among", "no/x.wsgi": "the application's file no/x.wsgi",
		"../x.wsgi": "the application's file ../x.wsgi", "ello:app": "no module named", "mysit.wsgi:application": "no module named",
	} {
		err := c.checkTargets(top, "/venv", &config.Settings{Target: target})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", target, err)
		}
	}
}
