package static

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestChangesAreSeen(t *testing.T) {
	root := tree(t, "a.txt")
	large := strings.Repeat("x", mostKeptSize+1)
	write(t, filepath.Join(root, "large"), large)
	s := New(Config{Prefixes: []Mapping{{"/s", root}}, Root: root}, time.Now())
	defer s.Close()
	done := make(chan struct{})
	defer close(done)
	go s.Watch(done)

	first := ask(t, s, "GET", "/s/a.txt")
	if err := os.WriteFile(filepath.Join(root, "a.txt"), []byte("b.txt"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the change of a file is not seen", func() bool {
		g := ask(t, s, "GET", "/s/a.txt")
		if g.body == "a.txt" && g.fields.Get("ETag") != first.fields.Get("ETag") {
			t.Errorf("old bytes under new validators: %+v", g)
		}
		return g.body == "b.txt"
	})
	// Files that have just changed: again, at the same time as far as the kernel tells.
	if tag := ask(t, s, "GET", "/s/a.txt").fields.Get("ETag"); !strings.HasPrefix(tag, "W/") {
		t.Errorf("strong while it may change in the same tick: %s", tag)
	}

	// A large file is seen at once, under its own validators.
	tag := ask(t, s, "GET", "/s/large").fields.Get("ETag")
	if err := os.WriteFile(filepath.Join(root, "large"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if g := ask(t, s, "GET", "/s/large"); g.body != "short" || g.fields.Get("ETag") == tag {
		t.Errorf("%d bytes under %s", len(g.body), g.fields.Get("ETag"))
	}

	// A new name at the top of the document root.
	if g := ask(t, s, "GET", "/new.txt"); g.status != 0 {
		t.Errorf("%+v", g)
	}
	write(t, filepath.Join(root, "new.txt"), "new")
	until(t, "a new name is not seen", func() bool { return ask(t, s, "GET", "/new.txt").body == "new" })
	if err := os.Remove(filepath.Join(root, "new.txt")); err != nil {
		t.Fatal(err)
	}
	until(t, "a name that is gone is still served", func() bool { return ask(t, s, "GET", "/new.txt").status == 0 })

	// Another folder in the place of this one, as deployments do it.
	if err := os.Rename(root, root+".old"); err != nil {
		t.Fatal(err)
	}
	until(t, "a folder that is gone is served", func() bool { return ask(t, s, "GET", "/s/a.txt").status == 404 })
	write(t, filepath.Join(root, "a.txt"), "next")
	until(t, "the next folder is not served", func() bool { return ask(t, s, "GET", "/s/a.txt").body == "next" })
	until(t, "the next document root is not served", func() bool { return ask(t, s, "GET", "/a.txt").body == "next" })
}

func TestAFileThatShrinksIsNotPassedAsWhole(t *testing.T) {
	root := tree(t)
	path := filepath.Join(root, "large")
	write(t, path, strings.Repeat("x", mostKeptSize+1))
	s := New(Config{Prefixes: []Mapping{{"/s", root}}}, time.Now())
	defer s.Close()
	a := s.Answer(&http.Request{Method: "GET", RequestURI: "/s/large", Header: http.Header{}}, time.Now())
	defer a.Close()
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	var m memory
	if n, err := a.Send(&m); !errors.Is(err, ErrShort) || n != 10 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	c := newCache()
	f := &folder{}
	for i := range 3 * mostNames {
		c.put(key{f, strconv.Itoa(i)}, &entry{versions: []*version{{body: make([]byte, i%mostKeptSize)}}})
		if c.size > mostKept || len(c.names) > mostNames || c.order.Len() != len(c.names) {
			t.Fatalf("%d: %d bytes, %d names", i, c.size, len(c.names))
		}
	}
	for k := range c.names {
		c.remove(k)
		c.remove(k)
	}
	if c.size != 0 || c.order.Len() != 0 {
		t.Errorf("%d bytes, %d entries are left of nothing", c.size, c.order.Len())
	}
}

func TestADocumentRootWithManyNames(t *testing.T) {
	root := tree(t, "first", "index.html")
	s := New(Config{Root: root, Index: []string{"index.html"}}, time.Now())
	defer s.Close()
	if g := ask(t, s, "GET", "/"); g.body != "index.html" {
		t.Errorf("%+v", g)
	}
	for i := range mostAtTop {
		write(t, filepath.Join(root, "name"+strconv.Itoa(i)), "x")
	}
	s.renewTop(time.Now())
	for _, name := range []string{"first", "name0", "name" + strconv.Itoa(mostAtTop-1)} {
		if g := ask(t, s, "GET", "/"+name); g.status != 200 {
			t.Errorf("%s: %+v", name, g)
		}
	}
	if g := ask(t, s, "GET", "/nothing"); g.status != 0 {
		t.Errorf("%+v", g)
	}
}

func TestEachETagHasOneContent(t *testing.T) {
	root := tree(t, "a")
	for name, hours := range map[string]time.Duration{"x": 2, "y": 3} {
		path := filepath.Join(root, name)
		write(t, path, strings.Repeat(name, 60_000))
		old := time.Now().Add(-hours * time.Hour)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	s := New(Config{Prefixes: []Mapping{{"/s", root}}}, time.Now())
	defer s.Close()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ { // now one is in the place of a, now the other
			select {
			case <-done:
				return
			default:
				_ = os.Link(filepath.Join(root, "xy"[i%2:i%2+1]), filepath.Join(root, "next"))
				_ = os.Rename(filepath.Join(root, "next"), filepath.Join(root, "a"))
			}
		}
	}()
	contents, asked := map[string]string{}, 0
	until(t, "both files are seen", func() bool {
		for range 100 {
			g := ask(t, s, "GET", "/s/a")
			tag := g.fields.Get("ETag")
			if known, ok := contents[tag]; ok && known != g.body || g.status != 200 {
				t.Fatalf("%d %s has %.1s and %.1s", g.status, tag, known, g.body)
			}
			contents[tag] = g.body
			s.cache = newCache()
			asked++
		}
		return len(contents) >= 2 && asked >= 1000
	})
	close(done)
	<-ended
}
