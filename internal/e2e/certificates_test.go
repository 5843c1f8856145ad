package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestClientCertificates(t *testing.T) {
	clients, strangers := newAuthority("clients"), newAuthority("strangers")
	for _, a := range []*authority{clients, strangers} {
		defer os.RemoveAll(a.folder)
		a.issue("ann", func(c *x509.Certificate) {
			c.Subject.Organization, c.Subject.OrganizationalUnit = []string{"Acme, Inc."}, []string{"Sales"}
			c.EmailAddresses, c.DNSNames = []string{"ann@example.org"}, []string{"ann.example.org"}
		})
	}
	ask := func(t *testing.T, s *Server, shown ...tls.Certificate) (map[string]any, error) {
		config := certificate().client()
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { // whatever is asked for
			if len(shown) == 0 {
				return &tls.Certificate{}, nil
			}
			return &shown[0], nil
		}
		conn, err := handshake(t, s, config)
		if err == nil { // with TLS 1.3 the client's part comes last, and its failure later
			var response RawResponse
			if response, err = askFor(conn); err == nil {
				return shownEnviron(response)
			}
		}
		return nil, err
	}
	start := func(t *testing.T, need string) *Server {
		return Start(t, Options{Target: "environ_dump:application", Args: append(certificate().args(), "--cert-reqs", need, "--ca-certs", clients.file("ca.pem"))})
	}
	isNobody := func(t *testing.T, environ map[string]any, err error) {
		t.Helper()
		if err != nil || environ["SSL_CLIENT_VERIFY"] != "NONE" || environ["SSL_CLIENT_S_DN"] != nil {
			t.Errorf("%v, %v", err, environ)
		}
	}
	isAnn := func(t *testing.T, environ map[string]any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_S_DN": `CN=ann,OU=Sales,O=Acme\, Inc.`, "SSL_CLIENT_S_DN_CN": "ann", "SSL_CLIENT_S_DN_O": "Acme, Inc.",
			"SSL_CLIENT_I_DN": "CN=authority of clients", "SSL_CLIENT_M_VERSION": "3", "SSL_CLIENT_SAN_Email_0": "ann@example.org", "SSL_CLIENT_SAN_DNS_0": "ann.example.org",
		} {
			if environ[name] != want {
				t.Errorf("%s is %v, want %q", name, environ[name], want)
			}
		}
		if pem, _ := environ["SSL_CLIENT_CERT"].(string); !strings.HasPrefix(pem, "-----BEGIN CERTIFICATE-----\n") {
			t.Errorf("SSL_CLIENT_CERT is %q", pem)
		}
	}
	t.Run("optional", func(t *testing.T) {
		s := start(t, "1")
		environ, err := ask(t, s)
		isNobody(t, environ, err)
		environ, err = ask(t, s, clients.pair("ann"))
		isAnn(t, environ, err)
		if _, err := ask(t, s, strangers.pair("ann")); err == nil {
			t.Error("a stranger is let in")
		}
	})
	t.Run("required", func(t *testing.T) {
		s := start(t, "required")
		if _, err := ask(t, s); err == nil {
			t.Error("nobody is let in")
		}
		s.WaitLog(t, "event=tls.handshake_failed")
		environ, err := ask(t, s, clients.pair("ann"))
		isAnn(t, environ, err)
		if _, err := ask(t, s, strangers.pair("ann")); err == nil {
			t.Error("a stranger is let in")
		}
	})
}

func askFor(conn net.Conn) (RawResponse, error) { return ask(conn, "/") }

// A session in which nobody had to be certified is worth nothing once everybody has.
func TestATicketIsNoWayAroundACertificate(t *testing.T) {
	p := startProject(t, ProjectOptions{Settings: Settings{More: tlsSettings("localhost")}})
	config := certificate().client()
	config.ClientSessionCache = tls.NewLRUClientSessionCache(10)
	use := func() (resumed bool, err error) {
		conn, err := handshake(t, p.Server, config)
		if err == nil {
			_, err = askFor(conn)
		}
		return conn.ConnectionState().DidResume, err
	}
	if _, err := use(); err != nil {
		t.Fatal(err)
	}
	if resumed, err := use(); err != nil || !resumed {
		t.Fatalf("resumed %v, %v", resumed, err)
	}
	p.Configure(t, Settings{More: tlsSettings("localhost") + "cert_reqs = 'required'\nca_certs = '" + certificate().file("ca.pem") + "'\n"})
	replaced := p.Replaced(t, 1)
	p.Send(t, syscall.SIGHUP)
	Eventually(t, "the worker is another one", replaced)
	if resumed, err := use(); err == nil {
		t.Errorf("let in without a certificate; resumed %v", resumed)
	}
}

func TestTheNamesInsideChooseTheCertificate(t *testing.T) {
	a := certificate()
	a.issue("other", func(c *x509.Certificate) { c.DNSNames = []string{"other.example.org", "*.wild.example.org"} })
	combined := a.file("combined.pem") // key and certificate in one file
	var both []byte
	for _, name := range []string{"other.pem", "other.key"} {
		text, err := os.ReadFile(a.file(name))
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	replace(combined, both)
	s := Start(t, Options{Target: "environ_dump:application", Args: append(a.args(), "--certfile", a.file("other.pem"), "--keyfile", combined)})
	for name, want := range map[string]string{"localhost": "localhost", "other.example.org": "other", "a.wild.example.org": "other", "nobody.example.org": "localhost", "": "localhost"} {
		conn, err := handshake(t, s, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("%q has the certificate of %s, want %s", name, got, want)
		}
	}
}

// Files may change at any time, to good ones and to bad ones.
func TestCertificatesAreReadAnewUnderLoad(t *testing.T) {
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	issue := func(name string) {
		certificate().issueTo(cert, key, name, func(c *x509.Certificate) { c.DNSNames = []string{"localhost"} })
	}
	issue("edition 1")
	p := startProject(t, ProjectOptions{Settings: Settings{Workers: 2, Threads: 8, More: fmt.Sprintf("certfile = %q\nkeyfile = %q\n", cert, key)}})
	p.secure = certificate().client()
	shown := func() string {
		conn, err := handshake(t, p.Server, certificate().client())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	all := func(name string) bool { // whichever worker it is
		for range 10 {
			if shown() != name {
				return false
			}
		}
		return true
	}
	b := keepBusy(t, p)
	for edition := range 3 {
		name := fmt.Sprintf("edition %d", edition+2)
		b.Event(t, name, func() { issue(name) }, func() bool { return all(name) })
	}
	b.Event(t, "a bad key", func() { replace(key, []byte("nonsense")) }, p.LoggedOnceMore("tls.kept"))
	b.Signal(t, syscall.SIGHUP, p.Replaced(t, 2)) // it does not keep other changes from being loaded
	if got := shown(); got != "edition 4" {
		t.Errorf("%s is shown", got)
	}
	b.Event(t, "no files", func() { os.Remove(cert); os.Remove(key) }, p.LoggedOnceMore("tls.kept"))
	b.Event(t, "good ones", func() { issue("edition 5") }, func() bool { return all("edition 5") })
	b.Finish(t)
	for _, secret := range []string{"PRIVATE KEY", "BEGIN"} {
		if strings.Contains(p.Log(), secret) {
			t.Error("the log has what is in the files")
		}
	}
}

// An alarm needs no more than this; a renewed one is seen without a reload.
func TestWhenCertificatesExpireIsShown(t *testing.T) {
	a := certificate()
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	issue := func(until time.Time) {
		a.issueTo(cert, key, "expiring", func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses, c.NotAfter = []string{"www.example.org", "*.example.com"}, []net.IP{net.IPv6loopback}, until
		})
	}
	first := time.Now().Add(90 * 24 * time.Hour).Truncate(time.Second).UTC()
	issue(first)
	s := startAsked(t, Options{Target: "environ_dump:application", Args: append(a.args(), "--certfile", cert, "--keyfile", key, "--metrics-path", "/metrics")})
	shows := func(until time.Time) bool {
		state := s.state(t)
		text := s.Client(t).Get("/metrics").Body
		for _, name := range []string{"www.example.org", "*.example.com", "::1"} {
			line := fmt.Sprintf("\ngowsgi_certificate_expiry_seconds{name=%q} %v\n", name, float64(until.Unix()))
			if !strings.Contains(text, line) || !state.Certificates[name].Equal(until) {
				return false
			}
		}
		return strings.Contains(text, `gowsgi_certificate_expiry_seconds{name="localhost"} `)
	}
	if !shows(first) {
		t.Errorf("not %v: %v\n%s", first, s.state(t).Certificates, s.Client(t).Get("/metrics").Body)
	}
	issue(first.Add(time.Hour))
	Eventually(t, "the renewed one is shown", func() bool { return shows(first.Add(time.Hour)) })
	if text := s.ask(t, "status").Out; !strings.Contains(text, "; the first that expires, 127.0.0.1, expires on ") {
		t.Errorf("%s", text)
	}
}

func TestBadCertificatesAreFound(t *testing.T) {
	a := newAuthority("bad ones")
	defer os.RemoveAll(a.folder)
	named := func(c *x509.Certificate) { c.DNSNames = []string{"localhost"} }
	a.issue("good", named)
	a.issue("another", named)
	a.issue("expired", func(c *x509.Certificate) { named(c); c.NotAfter = time.Now().Add(-time.Minute) })
	a.issue("future", func(c *x509.Certificate) { named(c); c.NotBefore = time.Now().Add(time.Hour) })
	a.issue("nameless", func(*x509.Certificate) {})
	a.issue("client", func(c *x509.Certificate) {
		named(c)
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	replace(a.file("nonsense"), []byte("nonsense"))
	replace(a.file("locked"), []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"))
	if err := syscall.Mkfifo(a.file("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := func(cert, key string) []string { return []string{"--certfile", a.file(cert), "--keyfile", a.file(key)} }
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"not there":            {args("absent.pem", "good.key"), "--certfile " + a.file("absent.pem") + ": there is no such file"},
		"no key there":         {args("good.pem", "absent.key"), "--keyfile " + a.file("absent.key") + ": there is no such file"},
		"a folder":             {[]string{"--certfile", a.folder}, "is no file"},
		"a pipe":               {args("pipe", "good.key"), "is no file"},
		"nonsense":             {args("nonsense", "good.key"), "has no certificate in it"},
		"no key":               {args("good.pem", "nonsense"), "has no key in it"},
		"no key named":         {[]string{"--certfile", a.file("good.pem")}, "name the file that has with --keyfile"},
		"a passphrase":         {args("good.pem", "locked"), "has a key with a passphrase"},
		"another key":          {args("good.pem", "another.key"), "has the key of another certificate"},
		"expired":              {args("expired.pem", "expired.key"), "has expired on "},
		"not yet":              {args("future.pem", "future.key"), "begins to be valid at "},
		"no name":              {args("nameless.pem", "nameless.key"), "has no name in it"},
		"for clients":          {args("client.pem", "client.key"), "is not for servers"},
		"no authorities":       {append(args("good.pem", "good.key"), "--cert-reqs", "2", "--ca-certs", a.file("nonsense")), "--ca-certs " + a.file("nonsense") + " has no certificate in it"},
		"nobody certifies":     {append(args("good.pem", "good.key"), "--cert-reqs", "required"), "cert-reqs: asks clients for certificates"},
		"one key too few":      {append(args("good.pem", "good.key"), "--certfile", a.file("another.pem")), "there are 1 keys and 2 certificates"},
		"a key alone":          {[]string{"--keyfile", a.file("good.key")}, "is a key without a certificate"},
		"a redirect alone":     {[]string{"--redirect-http", "8080"}, "is for TLS, and there is no certificate"},
		"the redirect's":       {append(args("good.pem", "good.key"), "-b", "127.0.0.1:8081", "--redirect-http", "8081"), "is the port of 127.0.0.1:8081, which is in bind"},
		"and is not taken for": {append(args("good.pem", "good.key"), "--redirect-http", "http"), "must be a whole number"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, action := range [][]string{nil, {"--check-config"}} {
				result := Run(t, Options{Dir: Testapps()}, append(append(append([]string{"--venv", PlainVenv(t)}, action...), c.args...), "environ_dump:application")...)
				if result.Status != 2 || !strings.Contains(result.Errors, c.says) || strings.Contains(result.Errors, "goroutine ") {
					t.Errorf("%v: status %d: %s", action, result.Status, result.Errors)
				}
			}
		})
	}
	if os.Geteuid() != 0 { // root reads all files
		_ = os.Chmod(a.file("good.key"), 0)
		if result := Run(t, Options{Dir: Testapps()}, append(args("good.pem", "good.key"), "--venv", PlainVenv(t), "environ_dump:application")...); !strings.Contains(result.Errors, "cannot be read") {
			t.Error(result.Errors)
		}
	}
}

// Workers get what they may not read.
func TestWorkersOfAnotherUserSpeakTLS(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another")
	}
	folder := shortFolder(t)
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	args := append(certificate().args(), "--bundle-dir", filepath.Join(folder, "sites"), "--user", "nobody")
	s := Start(t, Options{Program: helloBundle(t), Args: args, Dir: "/"})
	s.Client(t).Get("/").WantPart(t, 200, " as 65534")
	for _, pid := range s.WorkerPIDs() {
		for _, file := range []string{"environ", "cmdline"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err != nil && runtime.GOOS == "linux" {
				t.Error(err)
			}
			if strings.Contains(string(text), "PRIVATE") || strings.Contains(string(text), "TICKETS") {
				t.Errorf("%s of a worker tells: %q", file, text)
			}
		}
	}
}
