package e2e

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/operator"
)

// dialFrom is Dial from one of this machine's addresses.
func dialFrom(t testing.TB, s *Server, from string) *Conn { return dialAnnounced(t, s, from, "") }

// dialAnnounced is dialFrom with bytes that come before TLS, if that is spoken.
func dialAnnounced(t testing.TB, s *Server, from, announcement string) *Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: deadline}
	if s.network == "tcp" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	conn, err := dialer.Dial(s.network, s.Addr)
	if err != nil {
		t.Fatalf("dial from %s: %v", from, err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(deadline))
	if _, err := io.WriteString(conn, announcement); err != nil {
		t.Fatal(err)
	}
	if s.secure != nil {
		secure := tls.Client(conn, s.secure)
		if err := secure.Handshake(); err != nil {
			t.Fatalf("handshake from %s: %v", from, err)
		}
		conn = secure
	}
	return &Conn{t: t, Conn: conn, r: bufio.NewReader(conn)}
}

func (c *Conn) dump(t testing.TB, request string) dump {
	t.Helper()
	c.Send(request)
	response := c.Response("GET")
	return parseDump(t, response.Status, response.Body)
}

const everyField = "for,proto,host,port,prefix,forwarded"

func TestEnvironOfForwardedRequests(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		args := append(slices.Clone(mode.Args), "--forwarded-allow-ips", "127.0.0.1,10.0.0.0/8", "--forwarded-fields", everyField, "--mount", "/mount")
		s := startContractTarget(t, `validated:around("environ_dump:application")`, Options{Args: args, Env: mode.Env})
		Parallel(t, 10, func(t testing.TB, i int) {
			c, stranger := Dial(t, s.Server), dialFrom(t, s.Server, "127.0.0.2")
			for n := range 3 {
				client := fmt.Sprintf("203.0.%d.%d", i, n)
				fields := "X-Forwarded-For: 6.6.6.6, " + client + ", 10.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-Port: 8443\r\n"
				kept := map[string]string{
					"HTTP_X_FORWARDED_FOR": "6.6.6.6, " + client + ", 10.1.1.1", "HTTP_X_FORWARDED_PROTO": "https",
					"HTTP_X_FORWARDED_HOST": "shop.example", "HTTP_X_FORWARDED_PORT": "8443",
				}
				believed := map[string]string{
					"REMOTE_ADDR": client, "wsgi.url_scheme": "https", "HTTP_HOST": "shop.example", "SERVER_NAME": "shop.example", "SERVER_PORT": "8443",
					"SCRIPT_NAME": "/mount", "PATH_INFO": "/x",
				}
				d := c.dump(t, "GET /mount/x HTTP/1.1\r\nHost: inner:99\r\n"+fields+"\r\n")
				d.want(t, kept)
				d.want(t, believed)
				d.absent(t, "REMOTE_PORT")
				believed["SCRIPT_NAME"], believed["REMOTE_PORT"] = "/cut off/mount", "77"
				d = c.dump(t, "GET /mount/x HTTP/1.1\r\nHost: inner:99\r\nX-Forwarded-Prefix: /cut%20off\r\nX-Forwarded-Port: 8443\r\n"+
					"Forwarded: for=6.6.6.6, for=\""+client+":77\";proto=https;host=shop.example, for=10.1.1.1\r\n\r\n")
				d.want(t, believed)
				d = stranger.dump(t, "GET /mount/x HTTP/1.1\r\nHost: inner:99\r\n"+fields+"X-Forwarded-Prefix: //evil\r\nForwarded: \"\r\n\r\n")
				own := map[string]string{"REMOTE_ADDR": "127.0.0.2", "wsgi.url_scheme": "http", "HTTP_HOST": "inner:99", "SCRIPT_NAME": "/mount"}
				if s.secure != nil { // nobody in front has ended TLS
					own["wsgi.url_scheme"] = "https"
					d.absent(t, slices.Collect(maps.Keys(kept))...)
				} else {
					d.want(t, kept)
				}
				d.want(t, own)
			}
		})
		for _, fields := range []string{
			"X-Forwarded-For: 1.2.3.4\r\nForwarded: for=6.6.6.6\r\n", "X-Forwarded-Prefix: //evil\r\n", "X-Forwarded-Host: a/b\r\n", "X-Forwarded-Port: x\r\n", "Forwarded: for=\"\r\n",
		} {
			c := Dial(t, s.Server)
			c.Send("GET /mount/x HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n")
			if response := c.Response("GET"); response.Status != 400 {
				t.Errorf("%q: %+v", fields, response)
			}
			c.Closed()
		}
		s.WaitLog(t, "event=request.malformed")
	})
}

// By default, what a proxy usually passes on as its client has sent it is believed of
// nobody.
func TestFieldsThatProxiesPassOnAreNotBelieved(t *testing.T) {
	Modes(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "environ_dump", mode)
		d := exchangeDump(t, s.Server, "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 6.6.6.6, 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"+
			"X-Forwarded-Host: evil\r\nX-Forwarded-Port: 99\r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=6.6.6.6;host=evil\r\n\r\n")
		d.want(t, map[string]string{
			"REMOTE_ADDR": "1.2.3.4", "wsgi.url_scheme": "https", "HTTP_HOST": "shop.example", "SERVER_NAME": "127.0.0.1", "SCRIPT_NAME": "",
			"HTTP_X_FORWARDED_HOST": "evil", "HTTP_FORWARDED": "for=6.6.6.6;host=evil",
		})
	})
}

func TestWhatStrangersSayIsKeptOrRemoved(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Forwarded-Own: 1\r\nX-Own: 1\r\n\r\n"
	names := []string{"HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_OWN"}
	for _, mode := range []Mode{modes[0], allModes[3]} {
		for what, kept := range map[string]bool{"auto": true, "keep": true, "remove": false} {
			t.Run(mode.Name+", "+what, func(t *testing.T) {
				s := startContract(t, "environ_dump", mode, "--forwarded-untrusted", what)
				Parallel(t, 10, func(t testing.TB, i int) {
					for _, from := range []string{"127.0.0.2", "127.0.0.3", "127.0.0.1"} {
						c := dialFrom(t, s.Server, from)
						for range 10 {
							d := c.dump(t, request)
							d.want(t, map[string]string{"HTTP_X_OWN": "1"})
							if from == "127.0.0.1" {
								d.want(t, map[string]string{"REMOTE_ADDR": "1.2.3.4", "wsgi.url_scheme": "https"})
							} else {
								d.want(t, map[string]string{"REMOTE_ADDR": from, "wsgi.url_scheme": "http"})
							}
							if kept || from == "127.0.0.1" {
								for _, name := range names {
									d.want(t, map[string]string{name: map[string]string{
										"HTTP_X_FORWARDED_PROTO": "https", "HTTP_FORWARDED": "for=1.2.3.4", "HTTP_X_FORWARDED_OWN": "1",
									}[name] + map[bool]string{true: "1.2.3.4"}[name == "HTTP_X_FORWARDED_FOR" || name == "HTTP_X_REAL_IP"]})
								}
							} else {
								d.absent(t, names...)
							}
						}
					}
				})
				s.WaitLog(t, "event=proxy.not_believed")
				s.Stop(t)
				if n := strings.Count(s.Log(), "event=proxy.not_believed"); n > 2 { // and one a second at most
					t.Errorf("%d records:\n%s", n, s.Log())
				}
				if handling := map[bool]string{true: "handling=kept", false: "handling=removed"}[kept]; !strings.Contains(s.Log(), handling) {
					t.Errorf("no %s:\n%s", handling, s.Log())
				}
			})
		}
	}
}

// The client that is believed is in the access log, in records and in the status.
func TestLogsNameTheClientThatIsBelieved(t *testing.T) {
	for _, mode := range []Mode{modes[0], allModes[3]} {
		t.Run(mode.Name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "access")
			a := startAsked(t, Options{
				Target: "sleeps:application", Env: mode.Env,
				Args: append(slices.Clone(mode.Args), "--access-logfile", log, "--access-logformat", "%(h)s %(U)s"),
			})
			c := Dial(t, a.Server)
			c.Send("GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n\r\n")
			c.Response("GET")
			c.Send("GET /raise HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6, 2001:DB8::9\r\n\r\n")
			if response := c.Response("GET"); response.Status != 500 {
				t.Fatalf("%+v", response)
			}
			a.WaitLog(t, "client=2001:db8::9")
			Eventually(t, "both are in the access log", func() bool {
				text, _ := os.ReadFile(log)
				return string(text) == "203.0.113.9 /hello\n2001:db8::9 /raise\n"
			})
		})
	}
}

func TestStatusNamesTheClientThatIsBelieved(t *testing.T) {
	for _, mode := range []Mode{modes[0], allModes[3]} {
		t.Run(mode.Name, func(t *testing.T) {
			a := startAsked(t, Options{Target: "sleeps:application", Args: mode.Args, Env: mode.Env})
			c := Dial(t, a.Server)
			c.Send("GET /sleep?seconds=2 HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
			var running []operator.Worker
			Eventually(t, "the request runs", func() bool {
				running = a.state(t).Workers
				return len(running) > 0 && len(running[0].Running) == 1
			})
			if client := running[0].Running[0].Client; client != "203.0.113.9" {
				text, _ := json.Marshal(running)
				t.Errorf("client %q: %s", client, text)
			}
			c.Response("GET")
		})
	}
}

// Django's settings for proxies do what they do elsewhere, whether gowsgi believes the
// proxy or leaves that to Django.
func TestDjangoBehindAProxy(t *testing.T) {
	for _, test := range []struct {
		name, from, client string
		args               []string
	}{
		{"that gowsgi believes", "127.0.0.1", "203.0.113.9", nil},
		{"that gowsgi believes all", "127.0.0.1", "203.0.113.9", []string{"--forwarded-fields", everyField}},
		{"that Django believes", "127.0.0.2", "127.0.0.2", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Start(t, Options{Target: "forwarded_django:application", Venv: Venv(t, "django_site"), Args: test.args})
			c := dialFrom(t, s, test.from)
			for range 3 {
				c.Send("GET /page HTTP/1.1\r\nHost: inner\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n\r\n")
				if response := c.Response("GET"); response.Body != "https://shop.example/page from "+test.client {
					t.Errorf("%+v", response)
				}
				c.Send("GET /page HTTP/1.1\r\nHost: inner\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: http\r\n\r\n")
				if response := c.Response("GET"); response.Status != 301 || response.Value("Location") != "https://inner/page" {
					t.Errorf("%+v", response)
				}
			}
		})
	}
}

// A reload changes who is believed.
func TestReloadChangesWhoIsBelieved(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "gowsgi.toml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("forwarded_allow_ips = '127.0.0.1'\n")
	s := startContract(t, "environ_dump", modes[0], "-c", file)
	ask := func() string {
		return exchangeDump(t, s.Server, "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n").variables()["REMOTE_ADDR"]
	}
	if got := ask(); got != "1.2.3.4" {
		t.Errorf("before: %s", got)
	}
	write("forwarded_allow_ips = '10.0.0.1'\n")
	s.Signal(t, syscall.SIGHUP)
	Eventually(t, "the new list holds", func() bool { return ask() == "127.0.0.1" })
}
