package http1

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

// v2 is a header of version 2.
func v2(command proxyproto.ProtocolVersionAndCommand, from, to string, tlvs int) string {
	source, _ := net.ResolveTCPAddr("tcp", from)
	destination, _ := net.ResolveTCPAddr("tcp", to)
	h := proxyproto.HeaderProxyFromAddrs(2, source, destination)
	h.Command = command
	if tlvs > 0 {
		if err := h.SetTLVs([]proxyproto.TLV{{Type: proxyproto.PP2_TYPE_NOOP, Value: make([]byte, tlvs)}}); err != nil {
			panic(err)
		}
	}
	text, err := h.Format()
	if err != nil {
		panic(err)
	}
	return string(text)
}

const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

// announcing serves, without TLS, who the client is: "remote at local:port, RemoteAddr".
func announcing(t *testing.T, c Config) *serving {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveAs(t, c, l, func(w http.ResponseWriter, r *http.Request) {
		own := w.(*Writer)
		remote, _ := own.Remote()
		local, port := own.Local()
		fmt.Fprintf(w, "%s at %s:%s, %s", remote, local, port, r.RemoteAddr)
	}, false)
}

func everybody(string) bool { return true }

func TestClientsThatAreAnnounced(t *testing.T) {
	all := everybody
	for _, test := range []struct {
		name  string
		from  Announcing
		bytes string
		want  string // the answer's body, or its beginning
	}{
		{"version 1", Announcing{all, true, true}, "PROXY TCP4 1.2.3.4 5.6.7.8 99 443\r\n" + request, "1.2.3.4 at 5.6.7.8:443, 1.2.3.4:99"},
		{"version 1 with IPv6", Announcing{all, true, false}, "PROXY TCP6 2001:DB8::1 ::2 99 443\r\n" + request, "2001:db8::1 at ::2:443, [2001:db8::1]:99"},
		{"nobody knows", Announcing{all, true, true}, "PROXY UNKNOWN whatever this is\r\n" + request, "127.0.0.1 at 127.0.0.1:"},
		{"version 2", Announcing{all, false, true}, v2(proxyproto.PROXY, "1.2.3.4:99", "5.6.7.8:443", 0) + request, "1.2.3.4 at 5.6.7.8:443, 1.2.3.4:99"},
		{"version 2 with more", Announcing{all, true, true}, v2(proxyproto.PROXY, "[::1]:99", "[::2]:443", 3000) + request, "::1 at ::2:443, [::1]:99"},
		{"IPv4 in IPv6's form", Announcing{all, true, true}, v2(proxyproto.PROXY, "[::ffff:1.2.3.4]:99", "[::2]:443", 0) + request, "1.2.3.4 at ::2:443, 1.2.3.4:99"},
		{"the proxy's own", Announcing{all, true, true}, v2(proxyproto.LOCAL, "1.2.3.4:99", "5.6.7.8:443", 0) + request, "127.0.0.1 at 127.0.0.1:"},
		{"nothing", Announcing{all, true, true}, request, "127.0.0.1 at 127.0.0.1:"},
		{"nothing but an empty line", Announcing{all, true, true}, "\r\n" + request, "127.0.0.1 at 127.0.0.1:"},
		{"a method that begins alike", Announcing{all, true, true}, "PR" + request[1:], "127.0.0.1 at 127.0.0.1:"},
		{"a second one", Announcing{all, true, true}, "PROXY TCP4 1.2.3.4 5.6.7.8 99 443\r\nPROXY TCP4 6.6.6.6 5.6.7.8 99 443\r\n" + request, "400"},
		{"the other version", Announcing{all, false, true}, "PROXY TCP4 1.2.3.4 5.6.7.8 99 443\r\n" + request, "400"},
		{"the other version, again", Announcing{all, true, false}, v2(proxyproto.PROXY, "1.2.3.4:99", "5.6.7.8:443", 0) + request, "400"},
		{"somebody else", Announcing{func(string) bool { return false }, true, true}, "PROXY TCP4 1.2.3.4 5.6.7.8 99 443\r\n" + request, "400"},
		{"nobody may", Announcing{}, "PROXY TCP4 1.2.3.4 5.6.7.8 99 443\r\n" + request, "400"},
		{"no end", Announcing{all, true, true}, "PROXY TCP4 " + strings.Repeat("1", 200), "400"},
		{"an end that is late", Announcing{all, true, true}, "PROXY UNKNOWN " + strings.Repeat("1", 200) + "\r\n" + request, "400"},
		{"no addresses", Announcing{all, true, true}, "PROXY TCP4\r\n" + request, "400"},
		{"IPv6 as IPv4", Announcing{all, true, true}, "PROXY TCP4 ::1 ::2 1 2\r\n" + request, "400"},
		{"a port that is none", Announcing{all, true, true}, "PROXY TCP4 1.2.3.4 5.6.7.8 99999 1\r\n" + request, "400"},
		{"a length of 65535", Announcing{all, true, true}, string(proxyproto.SIGV2) + "\x21\x11\xff\xff" + request, "400"},
		{"a length that is too short", Announcing{all, true, true}, string(proxyproto.SIGV2) + "\x21\x11\x00\x04abcd" + request, "400"},
		{"another family", Announcing{all, true, true}, string(proxyproto.SIGV2) + "\x21\x13\x00\x0cabcdabcdabcd" + request, "400"},
		{"a socket's path", Announcing{all, true, true}, string(proxyproto.SIGV2) + "\x21\x31\x00\xd8" + strings.Repeat("p", 216) + request, "127.0.0.1 at 127.0.0.1:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := settings()
			c.Announcing = test.from
			s := announcing(t, c)
			for _, piece := range []int{len(test.bytes), 1, 13, 20} { // at once, and as slow as can be
				c := s.dial(t)
				go func() {
					for rest := test.bytes; rest != ""; {
						n := min(piece, len(rest))
						if _, err := io.WriteString(c, rest[:n]); err != nil {
							return // it was hung up on
						}
						rest = rest[n:]
						if piece < len(test.bytes) {
							time.Sleep(100 * time.Microsecond) // so that they arrive apart, mostly
						}
					}
				}()
				response, err := http.ReadResponse(c.r, nil)
				if err != nil {
					t.Fatalf("in pieces of %d: %v", piece, err)
				}
				body, _ := io.ReadAll(response.Body)
				if !strings.HasPrefix(string(body), test.want) {
					t.Errorf("in pieces of %d: %q, want %q", piece, body, test.want)
				}
				if refused := s.journal.refusals(); test.want == "400" && piece == len(test.bytes) && !strings.Contains(refused[len(refused)-1].Why, "PROXY protocol") {
					t.Errorf("in pieces of %d: %+v", piece, refused)
				}
				c.Close()
			}
		})
	}
}

// Whoever announces nobody has a limited time, and one that has left is let go of.
func TestWhoeverAnnouncesNobodyInTime(t *testing.T) {
	for _, leaves := range []bool{false, true} {
		c := settings()
		c.Announcing = Announcing{everybody, true, true}
		if !leaves {
			c.HeaderTimeout = 50 * time.Millisecond
		}
		s := announcing(t, c)
		for _, begins := range []string{"", "P", "PROXY TCP4 1.2.3.4", string(proxyproto.SIGV2[:5]), string(proxyproto.SIGV2) + "\x21\x11\x00\x0cabcd"} {
			c := s.dial(t)
			c.send(begins)
			if leaves {
				c.halfClose()
			}
			if answer, err := c.rest(); answer != "" {
				t.Errorf("%q: %q, %v", begins, answer, err)
			}
		}
		eventually(t, "all connections are gone", func() bool { return s.count() == 0 })
	}
}

// The limit of connections is the client's, not the proxy's.
func TestLimitOfAnnouncedClients(t *testing.T) {
	config := settings()
	config.Announcing, config.MaxPerAddress = Announcing{everybody, true, true}, 2
	s := announcing(t, config)
	ask := func(from string) (*client, int) {
		c := s.dial(t)
		c.send("PROXY TCP4 " + from + " 5.6.7.8 99 443\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
		response, _ := c.answer("GET")
		return c, response.StatusCode
	}
	var open []*client
	for _, from := range []string{"1.2.3.4", "1.2.3.5", "1.2.3.4", "1.2.3.5", "1.2.3.6"} {
		c, status := ask(from)
		if status != 200 {
			t.Errorf("%s: %d", from, status)
		}
		open = append(open, c)
	}
	c, status := ask("1.2.3.4")
	if status != 503 {
		t.Errorf("a third connection: %d", status)
	}
	open[0].Close()
	eventually(t, "there is room again", func() bool {
		again, status := ask("1.2.3.4")
		again.Close()
		return status == 200
	})
	for _, c := range append(open, c) {
		c.Close()
	}
	eventually(t, "nobody is counted any more", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.perHost) == 0
	})
}

func TestPeerThatAnnouncesNobodyIsTalkedOfOnce(t *testing.T) {
	config := settings()
	config.Announcing = Announcing{everybody, true, true}
	s := announcing(t, config)
	for range 3 {
		c := s.dial(t)
		c.send(request)
		c.answer("GET")
	}
	if n := strings.Count(s.journal.String(), "event=proxy.no_header"); n != 1 {
		t.Errorf("%d records: %s", n, s.journal)
	}
}
