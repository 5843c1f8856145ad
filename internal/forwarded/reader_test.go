package forwarded

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/proxies"
)

// reader believes 127.0.0.1, 10.0.0.0/8 and unix sockets, unless others are named.
func reader(t testing.TB, fields Fields, peers ...string) *Reader {
	t.Helper()
	if len(peers) == 0 {
		peers = []string{"127.0.0.1", "10.0.0.0/8", "::ffff:192.0.2.0/120", "unix"}
	}
	p, err := proxies.Parse(peers)
	if err != nil {
		t.Fatal(err)
	}
	return NewReader(p, fields)
}

// header is made of "Name: value" lines.
func header(lines string) http.Header {
	h := http.Header{}
	for line := range strings.SplitSeq(lines, "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			h.Add(name, strings.TrimSpace(value))
		}
	}
	return h
}

const all = For | Proto | Host | Port | Prefix | Element

// said is a Said in one line: client scheme [host] [:port] [prefix].
func (s Said) text() string {
	client := s.Client.Host
	if s.Client.Port != "" {
		client += "#" + s.Client.Port
	}
	text := client + " " + s.Scheme
	for _, more := range []struct{ name, value string }{{"host", s.Host}, {"port", s.Port}, {"prefix", s.Prefix}} {
		if more.value != "" {
			text += " " + more.name + "=" + more.value
		}
	}
	return text
}

func TestWhatIsSaid(t *testing.T) {
	proxy := Address{"127.0.0.1", "1"}
	for _, test := range []struct {
		name   string
		peer   Address
		fields Fields
		lines  string
		want   string // or, with "refused: ", why not
	}{
		{"nothing", proxy, all, "", "127.0.0.1#1 http"},
		{"the client is the last that is no proxy", proxy, all, "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4 http"},
		{"in several lines", proxy, all, "X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-For: 10.1.1.1", "1.2.3.4 http"},
		{"all are proxies", proxy, all, "X-Forwarded-For: 10.1.1.1,10.2.2.2", "10.1.1.1 http"},
		{"a network of IPv4 in IPv6's words", proxy, all, "X-Forwarded-For: 1.2.3.4, 192.0.2.77", "1.2.3.4 http"},
		{"ports", proxy, all, "X-Forwarded-For: 1.2.3.4:567", "1.2.3.4#567 http"},
		{"hidden ports", proxy, all, "X-Forwarded-For: 1.2.3.4:x", "1.2.3.4 http"},
		{"IPv6 in brackets", proxy, all, "X-Forwarded-For: [2001:DB8::1]:443", "2001:db8::1#443 http"},
		{"IPv6 alone", proxy, all, "X-Forwarded-For: 2001:db8:0:0::1", "2001:db8::1 http"},
		{"IPv4 in IPv6's form", proxy, all, "X-Forwarded-For: 1.2.3.4, ::ffff:10.1.1.1", "1.2.3.4 http"},
		{"an address with a zone is none", proxy, all, "X-Forwarded-For: 1.2.3.4, fe80::1%eth0", "127.0.0.1#1 http"},
		{"what is no address is whoever said so", proxy, all, "X-Forwarded-For: 1.2.3.4, unknown, 10.1.1.1", "10.1.1.1 http"},
		{"nonsense that nobody reads", proxy, all, "X-Forwarded-For: <script>, 1.2.3.4", "1.2.3.4 http"},
		{"nothing but commas", proxy, all, "X-Forwarded-For: , ,", "127.0.0.1#1 http"},
		{"a proxy behind nginx's unix socket", proxy, all, "X-Forwarded-For: 1.2.3.4, unix:", "1.2.3.4 http"},
		{"a peer at a unix socket", Address{}, all, "X-Forwarded-For: 1.2.3.4", "1.2.3.4 http"},
		{"a peer at a unix socket says nothing", Address{}, all, "X-Forwarded-Proto: https", " https"},
		{"somebody else", Address{"8.8.8.8", "2"}, all, "X-Forwarded-For: 1.2.3.4\nX-Forwarded-Proto: https\nX-Forwarded-Host: evil\nX-Forwarded-Prefix: //evil\nForwarded: \"", "8.8.8.8#2 http"},
		{"somebody else contradicts himself", Address{"8.8.8.8", "2"}, all, "X-Forwarded-Ssl: on\nX-Forwarded-Proto: http", "8.8.8.8#2 http"},

		{"the place", proxy, all, "X-Forwarded-Host: shop.example:8443\nX-Forwarded-Port: 8443\nX-Forwarded-Prefix: /shop/", "127.0.0.1#1 http host=shop.example:8443 port=8443 prefix=/shop"},
		{"the nearest proxy names the host", proxy, all, "X-Forwarded-Host: evil, shop.example", "127.0.0.1#1 http host=shop.example"},
		{"in a line of its own", proxy, all, "X-Forwarded-Host: evil\nX-Forwarded-Host: shop.example", "127.0.0.1#1 http host=shop.example"},
		{"a prefix is decoded once", proxy, all, "X-Forwarded-Prefix: /caf%C3%A9%2520", "127.0.0.1#1 http prefix=/caf\xc3\xa9%20"},
		{"the root is no prefix", proxy, all, "X-Forwarded-Prefix: /", "127.0.0.1#1 http"},
		{"fields that this proxy passes on", proxy, For | Proto, "X-Forwarded-For: 1.2.3.4\nX-Forwarded-Host: evil\nX-Forwarded-Port: 99\nX-Forwarded-Prefix: /evil\nForwarded: for=6.6.6.6;host=evil", "1.2.3.4 http"},
		{"only the place", proxy, Host, "X-Forwarded-For: 1.2.3.4\nX-Forwarded-Proto: https\nX-Forwarded-Host: a", "127.0.0.1#1 http host=a"},

		{"Forwarded", proxy, all, "Forwarded: for=1.2.3.4;proto=https;host=shop.example;by=10.0.0.1", "1.2.3.4 https host=shop.example"},
		{"in quotes, and in any case", proxy, all, `Forwarded: For="[2001:db8::17]:4711" ; PROTO=HTTPS;Host="a\.b"`, "2001:db8::17#4711 https host=a.b"},
		{"what should be in quotes", proxy, all, "Forwarded: for=[2001:db8::17]:4711", "2001:db8::17#4711 http"},
		{"what the client's proxy says counts", proxy, all, "Forwarded: for=6.6.6.6;host=evil, for=1.2.3.4;proto=https;host=shop.example, for=10.1.1.1;proto=http;host=inner", "1.2.3.4 https host=shop.example"},
		{"in several lines", proxy, all, "Forwarded: for=6.6.6.6\nForwarded: for=1.2.3.4, for=10.1.1.1", "1.2.3.4 http"},
		{"a hidden client", proxy, all, "Forwarded: for=_hidden;proto=https", "127.0.0.1#1 https"},
		{"a hidden port", proxy, all, `Forwarded: for="1.2.3.4:_x"`, "1.2.3.4 http"},
		{"commas in quotes", proxy, all, `Forwarded: secret="a,for=6.6.6.6";for=1.2.3.4`, "1.2.3.4 http"},
		{"empty elements", proxy, all, "Forwarded: , ;, for=1.2.3.4 ,", "1.2.3.4 http"},
		{"other schemes", proxy, all, "Forwarded: proto=wss", "127.0.0.1#1 http"},
		{"both agree", proxy, all, "X-Forwarded-For: 1.2.3.4\nX-Forwarded-Proto: https\nX-Forwarded-Host: A\nForwarded: for=\"1.2.3.4:5\";proto=https;host=a", "1.2.3.4#5 https host=a"},

		{"two clients", proxy, all, "X-Forwarded-For: 1.2.3.4\nForwarded: for=6.6.6.6", "refused: Forwarded and X-Forwarded-For"},
		{"two schemes", proxy, all, "X-Forwarded-Proto: http\nForwarded: proto=https", "refused: Forwarded and X-Forwarded-Proto"},
		{"two schemes of the older fields", proxy, all, "X-Forwarded-Proto: https\nX-Forwarded-Ssl: off", "refused: X-Forwarded-Proto, -Protocol and -Ssl"},
		{"two hosts", proxy, all, "X-Forwarded-Host: a\nForwarded: host=b", "refused: Forwarded and X-Forwarded-Host"},
		{"a quote that swallows what the proxy adds", proxy, all, `Forwarded: for=6.6.6.6;x=", for=1.2.3.4`, "refused: Forwarded is none"},
		{"and a proxy that quotes", proxy, all, `Forwarded: for=6.6.6.6;x=", for="[::1]"`, "refused: Forwarded is none"},
		{"a backslash at its end", proxy, all, `Forwarded: for=6.6.6.6;x="\`, "refused: Forwarded is none"},
		{"a name twice", proxy, all, "Forwarded: for=6.6.6.6;for=1.2.3.4", "refused: Forwarded is none"},
		{"no pair", proxy, all, "Forwarded: 1.2.3.4", "refused: Forwarded is none"},
		{"two values", proxy, all, "Forwarded: for=1.2.3.4 6.6.6.6", "refused: Forwarded is none"},
		{"a host that is none", proxy, all, `Forwarded: host="a/b"`, "refused: the host of Forwarded"},
		{"another host that is none", proxy, all, "X-Forwarded-Host: a/b", "refused: X-Forwarded-Host"},
		{"a port that is none", proxy, all, "X-Forwarded-Port: 99999", "refused: X-Forwarded-Port"},
		{"a prefix without a slash", proxy, all, "X-Forwarded-Prefix: evil", "refused: X-Forwarded-Prefix"},
		{"a prefix that is a host", proxy, all, "X-Forwarded-Prefix: //evil", "refused: X-Forwarded-Prefix"},
		{"a prefix that is a host to browsers", proxy, all, `X-Forwarded-Prefix: /\evil`, "refused: X-Forwarded-Prefix"},
		{"a prefix that is a host once decoded", proxy, all, "X-Forwarded-Prefix: /%2fevil", "refused: X-Forwarded-Prefix"},
		{"a prefix with a line's end", proxy, all, "X-Forwarded-Prefix: /a%0d%0aSet-Cookie", "refused: X-Forwarded-Prefix"},
		{"a prefix with a query", proxy, all, "X-Forwarded-Prefix: /a%3fb", "refused: X-Forwarded-Prefix"},
		{"a prefix with a broken escape", proxy, all, "X-Forwarded-Prefix: /a%zz", "refused: X-Forwarded-Prefix"},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, why := reader(t, test.fields).Read(test.peer, "http", header(test.lines))
			got := said.text()
			if why != "" {
				got = "refused: " + why
			}
			if got != test.want && (why == "" || !strings.HasPrefix(got, test.want) || !strings.HasPrefix(test.want, "refused: ")) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSchemeOfTheConnection(t *testing.T) {
	for fields, want := range map[string]string{
		"": "https", "X-Forwarded-Proto: http": "http", "X-Forwarded-Proto: https": "https", "X-Forwarded-For: 1.2.3.4": "https", "Forwarded: proto=http": "http",
	} {
		if said, why := reader(t, all).Read(Address{"127.0.0.1", ""}, "https", header(fields)); why != "" || said.Scheme != want {
			t.Errorf("%q: %s, %s", fields, said.Scheme, why)
		}
	}
}

// Where everybody is a proxy, the address that counts is the one that no client can
// write.
func TestEverybodyIsBelievedOfHisOwnClientOnly(t *testing.T) {
	r := reader(t, all, "*")
	for fields, want := range map[string]string{
		"X-Forwarded-For: 6.6.6.6, 1.2.3.4":                  "1.2.3.4 http",
		"X-Forwarded-For: 6.6.6.6, unknown":                  "8.8.8.8#2 http",
		"Forwarded: for=6.6.6.6;proto=https, for=1.2.3.4":    "1.2.3.4 http",
		"X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 1.2.3.4": "1.2.3.4 http",
		"X-Forwarded-For: 6.6.6.6, unix:":                    " http",
	} {
		if said, why := r.Read(Address{"8.8.8.8", "2"}, "http", header(fields)); why != "" || said.text() != want {
			t.Errorf("%q: %q, %s", fields, said.text(), why)
		}
	}
}

func TestUnixSocketsAreProxiesIfTheListSaysSo(t *testing.T) {
	for _, test := range []struct {
		peers []string
		want  string
	}{{[]string{"127.0.0.1"}, " http"}, {[]string{"unix"}, "1.2.3.4 http"}, {[]string{"*"}, "1.2.3.4 http"}} {
		if said, _ := reader(t, all, test.peers...).Read(Address{}, "http", header("X-Forwarded-For: 1.2.3.4")); said.text() != test.want {
			t.Errorf("%v: %q", test.peers, said.text())
		}
	}
}

func TestFieldsOfWhomARequestWasPassedOnFor(t *testing.T) {
	for name, want := range map[string]bool{
		"Forwarded": true, "X-Forwarded-For": true, "X-Forwarded-Anything": true, "X-Real-Ip": true, "X-Forwarded": false, "Via": false, "Host": false,
	} {
		if IsField(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	h := header("X-Real-IP: 1\nX-Forwarded-Ssl: on\nHost: x\nX-Forwarded-Proto: http\nForwarded: for=2")
	if got, want := Text(h), "X-Forwarded-Proto: http, X-Forwarded-Ssl: on, Forwarded: for=2, X-Real-Ip: 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for i := range 20 {
		h.Add("X-Forwarded-For", fmt.Sprint(i))
	}
	if got := Text(h); !strings.HasSuffix(got, ", and 14 more") {
		t.Errorf("got %q", got)
	}
}

func TestStrangersAreMetOnce(t *testing.T) {
	var s Strangers
	if s.Know("a") || !s.Meet("a") || s.Meet("a") || !s.Know("a") || s.Know("b") {
		t.Error("a is met once, b never")
	}
	for i := range 2 * mostStrangers {
		s.Meet(fmt.Sprint(i))
	}
	if len(s.known) != mostStrangers || !s.Know("nobody has seen") || s.Meet("nobody has seen") {
		t.Errorf("%d strangers", len(s.known))
	}
}

// Whatever a client sends through a proxy that adds its address, that address is the
// client, or the request is refused.
func FuzzReader(f *testing.F) {
	f.Add("6.6.6.6", `for=6.6.6.6;x="`, "a", "/p")
	f.Add(", unix:,[::1]:5", `for="[::1]", for=_x;host=a`, "[::1]:80", "/%2f")
	r := reader(f, all)
	f.Fuzz(func(t *testing.T, list, elements, host, prefix string) {
		for _, added := range []string{"for=1.2.3.4", `for="[::2]:99"`} {
			h := http.Header{xFor: {list + ", 1.2.3.4"}, xHost: {host}, xPrefix: {prefix}}
			said, why := r.Read(Address{"127.0.0.1", "1"}, "http", h)
			if why == "" && said.Client.Host != "1.2.3.4" {
				t.Errorf("%q is said to be %q", list, said.Client)
			}
			if said.Prefix != "" && (said.Prefix[0] != '/' || strings.HasPrefix(said.Prefix, "//") || strings.ContainsAny(said.Prefix, "\\\r\n")) {
				t.Errorf("prefix %q", said.Prefix)
			}
			said, why = r.Read(Address{"127.0.0.1", "1"}, "http", http.Header{element: {elements + ", " + added}})
			if why == "" && said.Client.Host != "1.2.3.4" && said.Client.Host != "::2" {
				t.Errorf("%q is said to be %q", elements, said.Client)
			}
		}
	})
}

func BenchmarkReader(b *testing.B) {
	r := reader(b, For|Proto)
	h := header("X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.1.1.1\nX-Forwarded-Proto: https")
	b.ReportAllocs()
	for b.Loop() {
		r.Read(Address{"127.0.0.1", "1"}, "http", h)
	}
}
