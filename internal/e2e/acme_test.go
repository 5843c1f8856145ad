package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shown is the certificate that a client gets, if it believes it at that time of its
// clock; nil: it does not, or gets none.
func (p *pebble) shown(t *testing.T, s *Server, name string, clock func() time.Time) *x509.Certificate {
	t.Helper()
	config := p.client(t, name)
	config.Time = clock
	conn, err := handshake(t, s, config)
	if err != nil {
		return nil
	}
	defer conn.Close()
	if response, err := ask(conn, "/?id=x&blocks=0&pause=0"); err != nil || response.Status != 200 {
		t.Errorf("%v, %+v", err, response)
	}
	return conn.ConnectionState().PeerCertificates[0]
}

// With two workers, any of which the authority may meet, in one way and the other.
func TestCertificatesAreObtained(t *testing.T) {
	for _, way := range []string{"by TLS", "by HTTP"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			bind, redirect, storage := freeAddr(t), freeAddr(t), filepath.Join(t.TempDir(), "state", "acme")
			_, port, _ := net.SplitHostPort(redirect)
			var ca *pebble
			if way == "by TLS" {
				ca = newPebble(t, freeAddr(t), bind, time.Hour)
			} else {
				ca = newPebble(t, redirect, freeAddr(t), time.Hour)
			}
			ca.Open(t)
			names := []string{"www.example.org", "example.org"}
			settings := Settings{Workers: 2, More: fmt.Sprintf("server_name = %q\n", strings.Join(names, ","))}
			p := startProject(t, ProjectOptions{
				Settings: settings, Args: append(ca.args(storage), "--redirect-http", port, "--access-logfile", "-"), Addr: bind, Env: believed(),
			})
			s := p.Server
			for _, name := range names {
				Eventually(t, "there is a certificate for "+name, func() bool { return ca.shown(t, s, name, nil) != nil })
			}
			log := s.Log()
			if strings.Count(log, "event=acme.terms") == 0 || strings.Count(log, "event=acme.obtained") != 2 || strings.Contains(log, "PRIVATE") {
				t.Error(log)
			}
			if proved := strings.Contains(s.Out(), "/.well-known/acme-challenge/"); proved != (way == "by HTTP") {
				t.Errorf("the access log is %q", s.Out())
			}
			_ = filepath.WalkDir(filepath.Dir(storage), func(path string, entry fs.DirEntry, err error) error {
				if info, failed := entry.Info(); err != nil || failed != nil || info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s may be read by others: %v, %v", path, info.Mode(), err)
				}
				return nil
			})
			first := ca.shown(t, s, names[0], nil)
			// Those who come after have it at once.
			replaced := p.Replaced(t, 2)
			p.Send(t, syscall.SIGHUP)
			Eventually(t, "all workers are other ones", replaced)
			succeeded := p.Succeeded(t, 2)
			p.Send(t, syscall.SIGUSR2)
			Eventually(t, "another gowsgi serves", succeeded)
			if again := ca.shown(t, s, names[0], nil); again == nil || !again.Equal(first) {
				t.Errorf("the certificate is another one: %v", again)
			}
			if strings.Count(s.Log(), "event=acme.obtained") != 2 {
				t.Error("it was obtained again")
			}
			// One more name.
			settings.More = fmt.Sprintf("server_name = %q\n", strings.Join(append(names, "new.example.org"), ","))
			p.Configure(t, settings)
			replaced = p.Replaced(t, 2)
			p.Send(t, syscall.SIGHUP)
			Eventually(t, "all workers are other ones", replaced)
			Eventually(t, "there is a certificate for the new name", func() bool { return ca.shown(t, s, "new.example.org", nil) != nil })
			if again := ca.shown(t, s, names[0], nil); again == nil || !again.Equal(first) {
				t.Errorf("the old name has another certificate: %v", again)
			}
		})
	}
}

// Nobody knows from where an authority comes, so who may not send requests is not asked.
func TestAnAuthorityIsNotTurnedAway(t *testing.T) {
	t.Parallel()
	bind, redirect, storage := freeAddr(t), freeAddr(t), filepath.Join(t.TempDir(), "acme")
	_, port, _ := net.SplitHostPort(redirect)
	ca := newPebble(t, redirect, freeAddr(t), time.Hour)
	ca.Open(t)
	p := startProject(t, ProjectOptions{
		Settings: Settings{Workers: 1, More: "server_name = \"example.org\"\n"}, Addr: bind, Env: believed(),
		Args: append(ca.args(storage), "--redirect-http", port, "--allow", "192.0.2.1", "--allowed-hosts", "other.example", "--limit-rate", "1/h"),
	})
	p.WaitLog(t, "event=acme.obtained")
}

// An authority that is down is tried again, and keeps nobody from starting; one that is
// down when a certificate is to be renewed costs nobody the old one.
func TestAnAuthorityThatIsDown(t *testing.T) {
	t.Parallel()
	bind, redirect := freeAddr(t), freeAddr(t)
	_, port, _ := net.SplitHostPort(redirect)
	_, tlsPort, _ := net.SplitHostPort(bind)
	ca := newPebble(t, redirect, bind, 100*time.Second)
	const name = "www.example.org"
	s := Start(t, Options{
		Target: "environ_dump:application", Addr: bind, Env: believed(),
		Args: append(ca.args(t.TempDir(), name), "-b", bind, "--workers", "2", "--redirect-http", port),
	})
	log := s.WaitLog(t, "event=acme.failed")
	if !strings.Contains(log, "connection refused") || strings.Contains(log, "goroutine ") {
		t.Error(log)
	}
	if _, err := handshake(t, s, ca.client(t, name)); err == nil {
		t.Error("there is a certificate")
	}
	s.WaitLog(t, "there is no certificate yet")
	plain := Dial(t, &Server{network: "tcp", Addr: redirect})
	plain.Send("GET /x HTTP/1.1\r\nHost: " + name + ":" + port + "\r\n\r\n")
	if response := plain.Response("GET"); response.Status != 308 || response.Value("Location") != "https://"+name+":"+tlsPort+"/x" {
		t.Errorf("%+v", response)
	}
	ca.Open(t)
	within := func(what string, condition func() bool) {
		t.Helper()
		for until := time.Now().Add(3 * time.Minute); !condition(); {
			if time.Now().After(until) {
				t.Fatal("not in time: " + what)
			}
			next := time.NewTimer(100 * time.Millisecond)
			<-next.C
		}
	}
	var first, second *x509.Certificate
	within("there is a certificate", func() bool { first = ca.shown(t, s, name, nil); return first != nil })
	within("it is renewed", func() bool {
		second = ca.shown(t, s, name, nil)
		return second != nil && !second.Equal(first)
	})
	ca.Close()
	failures := strings.Count(s.Log(), "event=acme.failed")
	within("it cannot be renewed", func() bool { return strings.Count(s.Log(), "event=acme.failed") > failures })
	if third := ca.shown(t, s, name, func() time.Time { return second.NotBefore.Add(time.Second) }); third == nil || !third.Equal(second) {
		t.Error("the old certificate is not kept")
	}
	within("it is said that it ends", func() bool { return strings.Contains(s.Log(), "event=tls.ending") })
}

// Who asks for proofs that nobody has gets none, and costs nobody else anything.
func TestProofsThatNobodyHas(t *testing.T) {
	bind, redirect := freeAddr(t), freeAddr(t)
	_, port, _ := net.SplitHostPort(redirect)
	ca := newPebble(t, redirect, bind, time.Hour)
	ca.Open(t)
	const name = "www.example.org"
	s := Start(t, Options{
		Target: "environ_dump:application", Addr: bind, Env: believed(),
		Args: append(ca.args(t.TempDir(), name), "-b", bind, "--redirect-http", port),
	})
	Eventually(t, "there is a certificate", func() bool { return ca.shown(t, s, name, nil) != nil })
	for _, host := range []string{name, "other.example.org", "", strings.Repeat("a", 200) + ".example.org"} {
		config := &tls.Config{ServerName: host, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true}
		for range 50 {
			if _, err := handshake(t, s, config); err == nil {
				t.Fatalf("%q gets a proof", host)
			}
		}
	}
	for _, target := range []string{"x", "", "..%2f..%2f..%2fetc%2fpasswd", "../../../etc/passwd", strings.Repeat("x", 3000), "x?y", "%00"} {
		for _, host := range []string{name, name + ":" + port, "[::1]", "other.example.org"} {
			plain := Dial(t, &Server{network: "tcp", Addr: redirect})
			plain.Send("GET /.well-known/acme-challenge/" + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
			if response := plain.Response("GET"); response.Status != 200 || !strings.Contains(response.Body, "REQUEST_METHOD") {
				t.Errorf("%s %s is not the application's: %+v", host, target, response)
			}
		}
	}
	if ca.shown(t, s, name, nil) == nil {
		t.Error("the others are not served")
	}
}

func TestSettingsForObtainingThatAreWrong(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	args := func(more ...string) []string {
		return append([]string{"-b", freeAddr(t), "--acme-storage", folder}, more...)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"an address":     {args("--server-name", "192.0.2.1"), "is an address"},
		"a wildcard":     {args("--server-name", "*.example.org"), "is a wildcard"},
		"a port":         {args("--server-name", "example.org:443"), "has a port"},
		"a URL":          {args("--server-name", "https://example.org"), "must be a host name, without https://; write example.org"},
		"no name":        {args("--server-name", "example..org"), "is no host name"},
		"a local name":   {args("--server-name", "printer.local"), "is no name on the internet"},
		"not ASCII":      {args("--server-name", "bücher.example.org"), "write it as in DNS"},
		"twice":          {args("--server-name", "example.org", "--server-name", "EXAMPLE.org."), "is given twice"},
		"an email alone": {[]string{"--acme-email", "me@example.org"}, "there is no name; give one with server_name"},
		"no email":       {args("--server-name", "example.org", "--acme-email", "me"), "must be an e-mail address"},
		"no directory":   {args("--server-name", "example.org", "--acme-directory", "http://ca.example.org/"), "must be the URL of an ACME directory"},
		"a file":         {[]string{"-b", freeAddr(t), "--server-name", "example.org", "--acme-storage", filepath.Join(file, "x")}, "--acme-storage"},
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
}
