package environ

import (
	"encoding/binary"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// read walks a block the way embed's C does.
func read(t testing.TB, block []byte) map[string]string {
	t.Helper()
	names := Names()
	vars := map[string]string{}
	for len(block) > 0 {
		if len(block) < 8 {
			t.Fatalf("entry of %d bytes", len(block))
		}
		key := binary.LittleEndian.Uint16(block)
		n := int(binary.LittleEndian.Uint16(block[2:]))
		v := int(binary.LittleEndian.Uint32(block[4:]))
		block = block[8:]
		name := ""
		if key == 0 {
			name = string(block[:n])
		} else if name = names[key]; n != 0 {
			t.Fatalf("key %d (%s) carries a name of %d bytes", key, name, n)
		}
		vars[name] = string(block[n : n+v])
		block = block[n+v:]
	}
	return vars
}

func build(t testing.TB, fill func(*Builder)) map[string]string {
	t.Helper()
	var b Builder
	b.Reset(make([]byte, 0, 64))
	fill(&b)
	return read(t, b.Block())
}

func TestTarget(t *testing.T) {
	cases := []struct{ name, target, mount, script, path, query string }{
		{"plain path", "/a/b", "", "", "/a/b", ""},
		{"query is kept as sent", "/a?b=%20c?d", "", "", "/a", "b=%20c?d"},
		{"path is decoded once", "/a%2520b", "", "", "/a%20b", ""},
		{"encoded slash is decoded", "/a%2Fb%2fc", "", "", "/a/b/c", ""},
		{"bytes stay bytes", "/%e4%C3%A4", "", "", "/\xe4\xc3\xa4", ""},
		{"raw high bytes stay", "/\xc3\xa4", "", "", "/\xc3\xa4", ""},
		{"double slashes and dots stay", "//a//../b/./", "", "", "//a//../b/./", ""},
		{"broken escapes stay", "/%zz%1", "", "", "/%zz%1", ""},
		{"absolute form", "http://example.org:80/x?y", "", "", "/x", "y"},
		{"absolute form without path", "http://example.org", "", "", "/", ""},
		{"absolute form with query only", "http://example.org?q", "", "", "/", "q"},
		{"asterisk", "*", "", "", "*", ""},
		{"mount itself", "/app", "/app", "/app", "", ""},
		{"below the mount", "/app/x", "/app", "/app", "/x", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := build(t, func(b *Builder) {
				if !b.Target(c.target, c.mount) {
					t.Error("outside of the mount")
				}
			})
			want := map[string]string{
				"REQUEST_URI": c.target, "RAW_URI": c.target,
				"SCRIPT_NAME": c.script, "PATH_INFO": c.path, "QUERY_STRING": c.query,
			}
			if !maps.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	for _, target := range []string{"/", "/ap", "/apple", "/x/app", "*"} {
		if got := build(t, func(b *Builder) {
			if b.Target(target, "/app") {
				t.Errorf("%s passes for a path below /app", target)
			}
		}); len(got) != 0 {
			t.Errorf("%s left %q", target, got)
		}
	}
}

func TestHeaders(t *testing.T) {
	got := build(t, func(b *Builder) {
		b.Header("Content-Type", []string{"text/plain"})
		b.Header("Content-Length", []string{"12"})
		b.Header("Host", []string{"example.org"})
		b.Header("Accept", []string{"text/html", "*/*"})
		b.Header("Cookie", []string{"a=1", "b=2"})
		b.Header("X-Some-Thing", []string{"one", "", "two"})
		b.Header("x-lower", []string{"kept"})
		b.Header("X_Forwarded_For", []string{"spoofed"})
		b.Header("Content_Length", []string{"0"})
		b.Header("Proxy", []string{"http://evil.example"})
		b.Header("proxy", []string{"http://evil.example"})
		b.Header("X-Empty", nil)
		b.Header("X-Latin", []string{"\xe4"})
	})
	want := map[string]string{
		"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "12", "HTTP_HOST": "example.org",
		"HTTP_ACCEPT": "text/html,*/*", "HTTP_COOKIE": "a=1; b=2",
		"HTTP_X_SOME_THING": "one,,two", "HTTP_X_LOWER": "kept", "HTTP_X_LATIN": "\xe4",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEveryKeyHasItsName(t *testing.T) {
	seen := map[string]bool{}
	for i, name := range Names() {
		if (name == "") != (i == 0) || seen[name] {
			t.Errorf("key %d is called %q", i, name)
		}
		seen[name] = true
	}
	for header, key := range byHeader {
		if http.CanonicalHeaderKey(header) != header {
			t.Errorf("%s is not in canonical form", header)
		}
		name := strings.ToUpper(strings.ReplaceAll(header, "-", "_"))
		if got := Names()[key]; got != name && got != "HTTP_"+name {
			t.Errorf("%s has the key of %s", header, got)
		}
	}
}

func TestBlockThatFitsStaysInItsBuffer(t *testing.T) {
	buf := make([]byte, 0, 256)
	var b Builder
	b.Reset(buf)
	b.Target("/", "")
	if &b.Block()[0] != &buf[:1][0] {
		t.Error("block moved though it fits")
	}
	b.Header("X-Long", []string{strings.Repeat("x", 300)})
	if &b.Block()[0] == &buf[:1][0] || len(read(t, b.Block())) != 6 {
		t.Error("block did not move whole")
	}
}

func FuzzBlock(f *testing.F) {
	f.Add("/a%2Fb?q=1", "", "X-Name", "value", "other")
	f.Add("http://h/%", "/m", "Cookie", "a", "b")
	f.Fuzz(func(t *testing.T, target, mount, name, one, two string) {
		if len(name) > 1<<15 {
			return
		}
		got := build(t, func(b *Builder) {
			b.Target(target, mount)
			b.Header(name, []string{one, two})
		})
		for key := range got {
			if key == "HTTP_PROXY" {
				t.Errorf("%q lets Proxy through", name)
			}
		}
		if path, ok := got["PATH_INFO"]; ok && mount == "" && strings.HasPrefix(target, "/") {
			raw, _, _ := strings.Cut(target, "?")
			if want, err := url.PathUnescape(raw); err == nil && path != want {
				t.Errorf("%q is decoded to %q, not %q", raw, path, want)
			}
		}
	})
}

func BenchmarkBlock(b *testing.B) {
	header := http.Header{
		"Accept": {"*/*"}, "User-Agent": {"bench"}, "Cookie": {"a=b"},
		"Accept-Encoding": {"gzip"}, "X-Other": {"x"},
	}
	var builder Builder
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		builder.Reset(buf)
		builder.Set(RequestMethod, "GET")
		builder.Target("/some/path?x=1", "")
		for name, values := range header {
			builder.Header(name, values)
		}
	}
}
