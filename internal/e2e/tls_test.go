package e2e

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// handshake connects to the server with a configuration of its own.
func handshake(t testing.TB, s *Server, config *tls.Config) (*tls.Conn, error) {
	t.Helper()
	conn, err := net.DialTimeout(s.network, s.Addr, deadline)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(deadline))
	secure := tls.Client(conn, config)
	return secure, secure.Handshake()
}

// ask sends a request over a connection of its own, and returns the answer or the error.
func ask(conn net.Conn, path string) (RawResponse, error) {
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return RawResponse{}, err
	}
	return readResponse(bufio.NewReader(conn), "GET")
}

// environOf is what the application has of a request over that connection.
func environOf(t testing.TB, conn net.Conn) map[string]any {
	t.Helper()
	response, err := ask(conn, "/")
	if err != nil || response.Status != 200 {
		t.Fatalf("%v, %+v", err, response)
	}
	environ, err := shownEnviron(response)
	if err != nil {
		t.Fatal(err)
	}
	return environ
}

// shownEnviron is what testapps/environ_dump.py shows of its environ.
func shownEnviron(response RawResponse) (map[string]any, error) {
	var dump struct{ Environ map[string][2]any }
	err := json.Unmarshal([]byte(response.Body), &dump)
	environ := map[string]any{}
	for name, shown := range dump.Environ {
		environ[name] = shown[1]
	}
	return environ, err
}

func TestTheEnvironSaysHowTLSIsSpoken(t *testing.T) {
	s := Start(t, Options{Target: "environ_dump:application", Args: certificate().args()})
	for version, want := range map[uint16]string{tls.VersionTLS13: "TLSv1.3", tls.VersionTLS12: "TLSv1.2"} {
		config := certificate().client()
		config.MinVersion, config.MaxVersion = version, version
		conn, err := handshake(t, s, config)
		if err != nil {
			t.Fatal(err)
		}
		got := environOf(t, conn)
		for name, value := range map[string]any{
			"HTTPS": "on", "wsgi.url_scheme": "https", "SSL_PROTOCOL": want, "SSL_TLS_SNI": "localhost", "SSL_CLIENT_VERIFY": "NONE",
		} {
			if got[name] != value {
				t.Errorf("%s: %s is %v, want %v", want, name, got[name], value)
			}
		}
		cipher, _ := got["SSL_CIPHER"].(string)
		if begins := map[uint16]string{tls.VersionTLS13: "TLS_", tls.VersionTLS12: "ECDHE-ECDSA-"}[version]; !strings.HasPrefix(cipher, begins) {
			t.Errorf("%s: SSL_CIPHER is %q", want, cipher)
		}
	}
	config := certificate().client()
	config.MaxVersion, config.MinVersion = tls.VersionTLS11, tls.VersionTLS10
	if _, err := handshake(t, s, config); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	plain := Start(t, Options{Target: "environ_dump:application"})
	for name := range environOf(t, Dial(t, plain)) {
		if name == "HTTPS" || strings.HasPrefix(name, "SSL_") {
			t.Errorf("without TLS there is %s", name)
		}
	}
}

// tlsSettings are lines of a file of settings.
func tlsSettings(names ...string) string {
	var certs, keys []string
	for _, name := range names {
		certs = append(certs, fmt.Sprintf("%q", certificate().file(name+".pem")))
		keys = append(keys, fmt.Sprintf("%q", certificate().file(name+".key")))
	}
	return fmt.Sprintf("certfile = [%s]\nkeyfile = [%s]\n", strings.Join(certs, ", "), strings.Join(keys, ", "))
}

func TestPlainHTTPWhereTLSIsSpokenIsToldSo(t *testing.T) {
	s := Start(t, Options{Target: "environ_dump:application", Args: append(certificate().args(), "--access-logfile", "-")})
	for range 20 {
		conn, err := net.DialTimeout(s.network, s.Addr, deadline)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(deadline))
		response, err := ask(conn, "/secret?a=b")
		if err != nil || response.Status != 400 || !strings.Contains(response.Body, "HTTPS") {
			t.Fatalf("%v, %+v", err, response)
		}
		if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
			t.Errorf("%q, %v after it", rest, err)
		}
		conn.Close()
	}
	log := s.WaitLog(t, "plain HTTP where TLS is spoken")
	if n := strings.Count(log, "event=request.malformed"); n > 5 {
		t.Errorf("%d records", n)
	}
	s.WaitOut(t, `"GET /secret?a=b HTTP/1.1" 400 `)
}

func TestRedirectToHTTPS(t *testing.T) {
	plain := freeAddr(t)
	_, plainPort, _ := net.SplitHostPort(plain)
	s := Start(t, Options{
		Target: "environ_dump:application",
		Args:   append(certificate().args(), "--redirect-http", plainPort, "--hsts", "1h", "--access-logfile", "-", "--request-id-header", "X-Request-ID"),
	})
	_, port, _ := net.SplitHostPort(s.Addr)
	c := Dial(t, &Server{network: "tcp", Addr: plain})
	for _, test := range []struct{ host, target, location string }{
		{"localhost:" + plainPort, "/a%2Fb?c=d", "https://localhost:" + port + "/a%2Fb?c=d"},
		{"LOCALHOST:" + plainPort, "/", "https://LOCALHOST:" + port + "/"},
		{"127.0.0.1:" + plainPort, "//evil.example.org/", "https://127.0.0.1:" + port + "//evil.example.org/"},
		{"localhost", "/", "https://localhost/"}, // somebody in front passes 80 and 443 on
		{"localhost", "http://localhost/absolute?x", "https://localhost/absolute?x"},
	} {
		c.Send("GET " + test.target + " HTTP/1.1\r\nHost: " + test.host + "\r\n\r\n")
		response := c.Response("GET")
		if response.Status != 308 || response.Value("Location") != test.location || response.Value("X-Request-ID") == "" || response.Value("Strict-Transport-Security") != "" {
			t.Errorf("%+v: %+v", test, response)
		}
	}
	c.Send("POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
	if response := c.Response("POST"); response.Status != 308 {
		t.Errorf("%+v", response)
	}
	c.Send("GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if response := c.Response("GET"); response.Status != 200 || !strings.Contains(response.Body, "acme-challenge/token") {
		t.Errorf("%+v", response)
	}
	c.Send("GET / HTTP/1.1\r\nHost: evil.example.org\r\n\r\n")
	if response := c.Response("GET"); response.Status != 421 || response.Value("Location") != "" {
		t.Errorf("%+v", response)
	}
	if response := s.Client(t).Get("/"); response.Header.Get("Strict-Transport-Security") != "max-age=3600" {
		t.Errorf("%+v", response.Header)
	}
	s.WaitOut(t, `"GET /a%2Fb?c=d HTTP/1.1" 308 `)
}

// A client that comes back is known, whichever worker it meets, after a reload and
// after an upgrade as well.
func TestSessionsAreResumedByAnyWorker(t *testing.T) {
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 3, More: tlsSettings("localhost")}})
	p.secure = certificate().client()
	for _, version := range []uint16{tls.VersionTLS13, tls.VersionTLS12} {
		config := certificate().client()
		config.ClientSessionCache, config.MinVersion, config.MaxVersion = tls.NewLRUClientSessionCache(10), version, version
		full, workers := 0, map[string]bool{}
		visit := func() {
			t.Helper()
			conn, err := handshake(t, p.Server, config)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			response, err := ask(conn, "/?id=x&blocks=0&pause=0")
			if err != nil {
				t.Fatal(err)
			}
			workers[strings.Fields(response.Body)[2]] = true
			if !conn.ConnectionState().DidResume {
				full++
			}
		}
		var held []*Conn // so that others have fewer connections
		for i := range 60 {
			visit()
			if i%3 == 0 {
				held = append(held, Dial(t, p.Server))
			}
		}
		replaced := p.Replaced(t, 3)
		p.Send(t, syscall.SIGHUP)
		Eventually(t, "all workers are other ones", replaced)
		visit()
		succeeded := p.Succeeded(t, 3)
		p.Send(t, syscall.SIGUSR2)
		for _, c := range held {
			c.Close()
		}
		Eventually(t, "another gowsgi serves", succeeded)
		visit()
		if full != 1 || len(workers) < 3 {
			t.Errorf("%s: %d full handshakes with %d workers", tls.VersionName(version), full, len(workers))
		}
	}
}

func TestNoRequestIsLostOverTLS(t *testing.T) {
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 2, Threads: 8, More: tlsSettings("localhost")}})
	p.secure = certificate().client()
	b := keepBusy(t, p)
	b.Signal(t, syscall.SIGHUP, p.Replaced(t, 2))
	b.Signal(t, syscall.SIGUSR2, p.Succeeded(t, 2))
	b.Signal(t, syscall.SIGHUP, p.Replaced(t, 2))
	b.Finish(t)
}

// Clients that begin to speak TLS and do not go on cost nobody else anything, and are
// let go.
func TestSlowHandshakes(t *testing.T) {
	const clients = 300
	s := Start(t, Options{
		Target: "environ_dump:application",
		Args:   append(certificate().args(), "--header-timeout", "2", "--max-connections", "400", "--metrics-path", "/metrics"),
	})
	hello := clientHello(t)
	var slow []net.Conn
	for i := range clients {
		conn, err := net.DialTimeout(s.network, s.Addr, deadline)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = conn.Write(hello[:1+i%(len(hello)-1)])
		slow = append(slow, conn)
	}
	for range 20 {
		if response := s.Client(t).Get("/"); response.Status != 200 {
			t.Fatalf("%+v", response)
		}
	}
	for _, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(deadline))
		if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Fatal("a client that has not finished its handshake is still there")
		}
	}
	Eventually(t, "all of them are counted", func() bool {
		return strings.Contains(s.Client(t).Get("/metrics").Body, fmt.Sprintf("gowsgi_tls_handshakes_total{result=\"failed\"} %d", clients))
	})
}

// clientHello is how a client begins.
func clientHello(t *testing.T) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		_ = tls.Client(client, certificate().client()).Handshake()
		client.Close()
	}()
	hello := make([]byte, 4<<10)
	n, err := server.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	return hello[:n]
}

func TestGarbageInsteadOfTLS(t *testing.T) {
	s := Start(t, Options{Target: "environ_dump:application", Args: certificate().args()})
	noise := make([]byte, 64<<10)
	_, _ = rand.Read(noise)
	hello := clientHello(t)
	for _, sent := range [][]byte{
		{0},
		{22},
		{0x80, 0x2e, 1, 0, 2},
		noise, append([]byte{22, 3, 1, 0xff, 0xff}, noise...), append([]byte{22, 3, 1, 0, 0}, noise...),
		append(bytes.Clone(hello), noise...), append(bytes.Clone(hello), hello...), bytes.Repeat([]byte{20, 3, 3, 0, 1, 1}, 10_000),
		append(bytes.Clone(hello), bytes.Repeat([]byte{20, 3, 3, 0, 1, 1}, 10_000)...), []byte("\r\n\r\n"), bytes.Repeat([]byte{'A'}, 100_000),
	} {
		conn, err := net.DialTimeout(s.network, s.Addr, deadline)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(deadline))
		_, _ = conn.Write(sent)
		_ = conn.(*net.TCPConn).CloseWrite()
		if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%.10q…: the server does not hang up", sent)
		}
		conn.Close()
	}
	// In the middle of a connection.
	conn, err := handshake(t, s, certificate().client())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(conn, "/"); err != nil {
		t.Fatal(err)
	}
	_, _ = conn.NetConn().Write(append([]byte{23, 3, 3, 0, 100}, noise[:100]...))
	if _, err := io.Copy(io.Discard, conn); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("after a record that is none: %v", err)
	}
	if response := s.Client(t).Get("/"); response.Status != 200 {
		t.Errorf("%+v", response)
	}
}

// Nobody is renegotiated with.
func TestRenegotiationIsRefused(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl to renegotiate with")
	}
	s := Start(t, Options{Target: "environ_dump:application", Args: certificate().args()})
	client := exec.Command(openssl, "s_client", "-connect", s.Addr, "-tls1_2", "-legacy_renegotiation")
	client.Stdin = strings.NewReader("R\n")
	out, err := client.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "RENEGOTIATING") || !strings.Contains(string(out), "alert") && !strings.Contains(string(out), "no renegotiation") {
		t.Errorf("%v: %s", err, out)
	}
	if response := s.Client(t).Get("/"); response.Status != 200 {
		t.Errorf("%+v", response)
	}
}

// Records and requests begin and end where they like: what TLS has, the kernel has not.
func TestRequestsInAnyRecords(t *testing.T) {
	s := Start(t, Options{Target: "environ_dump:application", Args: certificate().args()})
	const requests = 300
	text := strings.Repeat("GET /pipelined HTTP/1.1\r\nHost: localhost\r\n\r\n", requests)
	for _, piece := range []int{1 << 20, 16 << 10, 4 << 10, 4<<10 + 1, 1000, 7} {
		c := Dial(t, s)
		go func() {
			for rest := text; rest != ""; {
				n := min(piece, len(rest))
				if _, err := io.WriteString(c.Conn, rest[:n]); err != nil {
					return // the reader sees it
				}
				rest = rest[n:]
			}
		}()
		for i := range requests {
			if response := c.Response("GET"); response.Status != 200 {
				t.Fatalf("pieces of %d, number %d: %+v", piece, i, response)
			}
		}
		c.StaysOpen("/")
	}
}

// Browsers and libraries of others get along with it.
func TestClientsOfOthersSpeakTLS(t *testing.T) {
	s := Start(t, Options{Target: "environ_dump:application", Args: certificate().args()})
	url := "https://localhost:" + s.Addr[strings.LastIndex(s.Addr, ":")+1:] + "/"
	for name, args := range map[string][]string{
		"curl":               {"curl", "-sS", "--fail", "--cacert", certificate().file("ca.pem"), url},
		"curl with HTTP/1.0": {"curl", "-sS", "--fail", "--http1.0", "--cacert", certificate().file("ca.pem"), url},
		"python":             {"python3", "-c", "import ssl, sys, urllib.request as r; print(r.urlopen(sys.argv[1], context=ssl.create_default_context(cafile=sys.argv[2])).read().decode())", url, certificate().file("ca.pem")},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(args[0]); err != nil {
				t.Skip(err)
			}
			out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), `"HTTPS": ["str", "on"]`) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	// Python's close without close_notify, and with.
	for _, close := range []func(*Conn){func(c *Conn) { c.Close() }, func(c *Conn) { c.Reset() }, func(c *Conn) { c.HalfClose() }} {
		c := Dial(t, s)
		c.StaysOpen("/")
		close(c)
	}
	if response := s.Client(t).Get("/"); response.Status != http.StatusOK {
		t.Errorf("%+v", response)
	}
}

// A unix socket has no port, so the access log has the one that goes with the scheme:
// alike for each request of a connection, whoever answers it.
func TestTheAccessLogKnowsWhatIsSpokenOnAUnixSocket(t *testing.T) {
	for scheme, port := range map[string]string{"http": "80", "https": "443"} {
		args := []string{"--access-logfile", "-", "--access-logformat", "%U %p %s"}
		if scheme == "https" {
			args = append(args, certificate().args()...)
		}
		s := Start(t, Options{Target: "environ_dump:application", Unix: true, Args: args})
		var conn net.Conn
		var err error
		if scheme == "https" {
			conn, err = handshake(t, s, certificate().client())
		} else {
			conn, err = net.DialTimeout(s.network, s.Addr, deadline)
		}
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		for i := range 5 {
			if response, err := ask(conn, fmt.Sprintf("/%d", i)); err != nil || response.Status != 200 {
				t.Fatalf("%v, %+v", err, response)
			}
			want += fmt.Sprintf("/%d %s 200\n", i, port)
		}
		conn.Close()
		if out := s.WaitOut(t, "/4 "); out != want {
			t.Errorf("%s: got %q\nwant %q", scheme, out, want)
		}
	}
}

// The first request of a connection mostly comes with the end of the handshake and is a
// goroutine's, those that follow are the lane's: application, client and log have the
// same of each.
func TestEachRequestOfAConnectionIsAlike(t *testing.T) {
	s := Start(t, Options{Target: "environ_dump:application", Args: append(certificate().args(),
		"--hsts", "60", "--add-field", "X-Added: 1", "--request-id-header", "X-Request-Id", "--forwarded-allow-ips", "192.0.2.1",
		"--access-logfile", "-", "--access-logformat", "%v %{Strict-Transport-Security}o %{X-Added}o %s")})
	for _, fields := range []string{"", "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: http\r\nX-Request-Id: a\r\n"} {
		conn, err := handshake(t, s, certificate().client())
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		var first map[string]any
		var head string
		for i := range 20 {
			if _, err := io.WriteString(conn, "GET /a?b HTTP/1.1\r\nHost: localhost\r\n"+fields+"\r\n"); err != nil {
				t.Fatal(err)
			}
			response, err := readResponse(r, "GET")
			if err != nil || response.Status != 200 {
				t.Fatalf("%v, %+v", err, response)
			}
			environ, err := shownEnviron(response)
			if err != nil {
				t.Fatal(err)
			}
			id, _ := environ["gowsgi.request_id"].(string)
			var fields []string
			for _, field := range response.Fields {
				if strings.EqualFold(field.Name, "X-Request-Id") && field.Value != id {
					t.Errorf("the client has %q, the application %q", field.Value, id)
				}
				if name := strings.ToLower(field.Name); name != "date" && name != "x-request-id" && name != "content-length" {
					fields = append(fields, field.Name+": "+field.Value)
				}
			}
			delete(environ, "gowsgi.request_id")
			for name, value := range environ { // objects of each request
				if text, ok := value.(string); ok && strings.Contains(text, " at 0x") {
					delete(environ, name)
				}
			}
			got := strings.Join(fields, "\n")
			if i == 0 {
				first, head = environ, got
				continue
			}
			if !reflect.DeepEqual(environ, first) || got != head {
				t.Fatalf("request %d has\n%v\n%s\nthe first\n%v\n%s", i, environ, got, first, head)
			}
		}
		if !strings.Contains(head, "Strict-Transport-Security: max-age=60") {
			t.Error(head)
		}
	}
	s.Stop(t)
	if got, want := s.Out(), strings.Repeat("localhost max-age=60 1 200\n", 40); got != want {
		t.Errorf("%q", got)
	}
}
