package mounts

import (
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
)

func settings(main string, others ...config.Mount) *config.Settings {
	return &config.Settings{Target: "main:app", Mount: main, Mounts: others}
}

func mount(path, target string, hosts ...string) config.Mount {
	return config.Mount{Path: path, Target: target, Hosts: hosts}
}

// Who gets a request, by the name of its target; empty: nobody.
func TestTheLongestPathThatFitsGetsTheRequest(t *testing.T) {
	several := settings("",
		mount("/api", "api"), mount("/api/v2", "v2"), mount("/a b", "blank"), mount("/ä", "umlaut"),
		mount("", "shop", "shop.example", "SHOP.test"), mount("/api", "shop-api", "shop.example"),
		mount("", "wild", "*.wild.example"), mount("", "dot", ".dot.example"), mount("", "inner", "inner.dot.example"), mount("", "deep", ".deep.dot.example"),
		mount("", "six", "[::1]"),
	)
	several.Mounts[4].Hosts[1] = "shop.test" // as config has it
	for _, c := range []struct {
		name       string
		s          *config.Settings
		host, path string
		want       string
	}{
		{"one application has all", settings(""), "x", "/", "main:app"},
		{"one application has paths that are none", settings(""), "", "*", "main:app"},
		{"one below a path", settings("/app"), "x", "/app/y", "main:app"},
		{"one below a path, and that path", settings("/app"), "x", "/app", "main:app"},
		{"outside of it", settings("/app"), "x", "/", ""},
		{"beside it", settings("/app"), "x", "/apple", ""},
		{"the main one", several, "x", "/x", "main:app"},
		{"a mount", several, "x", "/api/x", "api"},
		{"a mount itself", several, "x", "/api", "api"},
		{"a mount with a slash", several, "x", "/api/", "api"},
		{"the longer one", several, "x", "/api/v2/x", "v2"},
		{"not quite the longer one", several, "x", "/api/v22", "api"},
		{"not quite a mount", several, "x", "/apix", "main:app"},
		{"case counts", several, "x", "/API", "main:app"},
		{"slashes in front", several, "x", "//api/x", "main:app"},
		{"slashes behind", several, "x", "/api//x", "api"},
		{"dots lead nowhere", several, "x", "/api/../admin", "api"},
		{"dots lead nowhere in", several, "x", "/x/../api", "main:app"},
		{"a blank", several, "x", "/a b/c", "blank"},
		{"bytes", several, "x", "/ä", "umlaut"},
		{"a host", several, "shop.example", "/x", "shop"},
		{"a host with a port", several, "shop.example:8443", "/x", "shop"},
		{"a host in capitals, with a dot", several, "Shop.Example.", "/x", "shop"},
		{"the second host", several, "shop.test", "/", "shop"},
		{"the same path of a host comes before that of all", several, "shop.example", "/api/x", "shop-api"},
		{"a longer path of all hosts comes before a shorter one of this", several, "shop.example", "/api/v2", "v2"},
		{"a host that looks like one", several, "shop.example.evil", "/x", "main:app"},
		{"a host that looks like one, too", several, "evilshop.example", "/x", "main:app"},
		{"with a user in front", several, "shop.example@evil", "/x", "main:app"},
		{"below a wildcard", several, "a.b.wild.example", "/x", "wild"},
		{"a wildcard itself", several, "wild.example", "/x", "main:app"},
		{"beside a wildcard", several, "badwild.example", "/x", "main:app"},
		{"a dot's own", several, "dot.example", "/x", "dot"},
		{"below a dot", several, "x.dot.example", "/x", "dot"},
		{"beside a dot", several, "xdot.example", "/x", "main:app"},
		{"an exact name comes before a wildcard", several, "inner.dot.example", "/x", "inner"},
		{"a longer wildcard comes before a shorter one", several, "x.deep.dot.example", "/x", "deep"},
		{"an address", several, "[::1]:80", "/x", "six"},
		{"no host", several, "", "/x", "main:app"},
		{"only a port", several, ":80", "/x", "main:app"},
		{"a bracket", several, "[", "/x", "main:app"},
	} {
		t.Run(c.name, func(t *testing.T) {
			number, found := New(c.s).Find(c.host, c.path)
			got := ""
			if found {
				got = c.s.Applications()[number].Target
			}
			if got != c.want {
				t.Errorf("%s%s went to %q, not %q", c.host, c.path, got, c.want)
			}
		})
	}
}

func TestHostsThatAreServed(t *testing.T) {
	none := settings("", mount("/api", "api"))
	some := settings("", mount("/api", "api"), mount("", "shop", "shop.example"))
	some.AllowedHosts = []string{"example.org", "*.wild.example"}
	every := settings("")
	every.AllowedHosts = []string{"*"}
	noMain := &config.Settings{Mounts: []config.Mount{mount("", "a", "a.example"), mount("/x", "b", "b.example")}}
	for _, c := range []struct {
		name, host       string
		s                *config.Settings
		allowed, isKnown bool
	}{
		{"nothing is said", "evil", none, true, true},
		{"all are named", "evil", every, true, true},
		{"a name", "Example.org:80", some, true, true},
		{"below a wildcard", "x.wild.example", some, true, true},
		{"that of a mount", "shop.example", some, true, true},
		{"another", "evil", some, false, false},
		{"none", "", some, false, false},
		{"one that has the name in it", "example.org.evil", some, false, false},
		{"a mount's, without a main application", "b.example", noMain, true, true},
		{"another, without a main application", "evil", noMain, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := New(c.s)
			if table.Allows(c.host) != c.allowed || table.Knows(c.host) != c.isKnown {
				t.Errorf("%q: allowed %v, known %v", c.host, table.Allows(c.host), table.Knows(c.host))
			}
		})
	}
}

// A warm-up has to say some host, and one that is served.
func TestSomeHostIsServed(t *testing.T) {
	named := settings("")
	named.AllowedHosts = []string{".example.org"}
	for want, s := range map[string]*config.Settings{
		"localhost":       settings("", mount("", "a", "a.example")),
		"www.example.org": named,
		"a.example":       {Mounts: []config.Mount{mount("", "a", "a.example")}},
		"www.b.example":   {Mounts: []config.Mount{mount("", "a", "*.b.example")}},
	} {
		if got := New(s).Local("/"); got != want || !New(s).Knows(got) {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
