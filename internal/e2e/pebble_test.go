package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// pebble is an authority that speaks ACME. It looks for every name on this machine.
type pebble struct {
	addr  string
	front http.Handler
	ca    *ca.CAImpl
	open  *http.Server
}

// quick has Pebble look at once, and again for each certificate.
var quick = sync.OnceFunc(func() {
	os.Setenv("PEBBLE_VA_NOSLEEP", "1")
	os.Setenv("PEBBLE_AUTHZREUSE", "0")
})

// newPebble makes an authority, which nobody can reach before Open. It looks at these
// ports; its certificates are valid for so long.
func newPebble(t *testing.T, httpAddr, tlsAddr string, valid time.Duration) *pebble {
	t.Helper()
	quick()
	port := func(addr string) int {
		_, text, _ := net.SplitHostPort(addr)
		number, _ := strconv.Atoi(text)
		return number
	}
	silent, store := stdlog.New(io.Discard, "", 0), db.NewMemoryStore()
	p := &pebble{addr: freeAddr(t)}
	p.ca = ca.New(silent, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: uint64(valid.Seconds())}})
	looks := va.New(silent, port(httpAddr), port(tlsAddr), false, everywhereHere(t), store)
	front := wfe.New(silent, store, looks, p.ca, []string{"pebble.example.org"}, false, false, 1, 1)
	p.front = front.Handler()
	t.Cleanup(p.Close)
	return p
}

// Open has it answer.
func (p *pebble) Open(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	p.open = &http.Server{Handler: p.front, ErrorLog: stdlog.New(io.Discard, "", 0)}
	p.open.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate().pair("localhost")}}
	go func() { _ = p.open.ServeTLS(l, "", "") }()
}

// Close has it answer no more.
func (p *pebble) Close() {
	if p.open != nil {
		_ = p.open.Close()
	}
}

// believed has a server believe that the authority is who it says.
func believed() []string { return []string{"SSL_CERT_FILE=" + certificate().file("ca.pem")} }

// args have a server obtain certificates for names.
func (p *pebble) args(storage string, names ...string) []string {
	args := []string{"--acme-directory", "https://" + p.addr + "/dir", "--acme-storage", storage, "--acme-email", "me@example.org"}
	for _, name := range names {
		args = append(args, "--server-name", name)
	}
	return args
}

// client is what a client believes the authority with, which looks for name.
func (p *pebble) client(t *testing.T, name string) *tls.Config {
	t.Helper()
	root, err := x509.ParseCertificate(p.ca.GetRootCert(0).Cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	return &tls.Config{RootCAs: roots, ServerName: name}
}

// everywhereHere is a name server to which all names are this machine.
func everywhereHere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // Pebble asks by TCP
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, asked *dns.Msg) {
		answer := new(dns.Msg)
		answer.SetReply(asked)
		for _, q := range asked.Question {
			if q.Qtype == dns.TypeA {
				answer.Answer = append(answer.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)})
			}
		}
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return l.Addr().String()
}
