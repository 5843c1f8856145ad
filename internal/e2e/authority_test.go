package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// authority certifies servers and clients, in a folder of its own.
type authority struct {
	folder string
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	serial *serials
}

type serials struct {
	mu   sync.Mutex
	last int64
}

func (s *serials) next() *big.Int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	return big.NewInt(s.last)
}

// certificate is the authority of all tests, made when it is first asked for; it has
// certified localhost.
var certificate = sync.OnceValue(func() *authority {
	a := newAuthority("tests")
	a.issue("localhost", func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = []string{"localhost", "test"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	})
	return a
})

// newAuthority makes another one.
func newAuthority(name string) *authority {
	folder, err := os.MkdirTemp("", "gowsgi-certs")
	if err != nil {
		panic(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of " + name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		panic(err)
	}
	a := &authority{folder: folder, key: key, cert: cert, serial: &serials{last: 1}}
	a.write("ca.pem", "CERTIFICATE", raw)
	return a
}

// issue writes name.pem and name.key; more changes what is certified.
func (a *authority) issue(name string, more func(*x509.Certificate)) {
	a.issueTo(filepath.Join(a.folder, name+".pem"), filepath.Join(a.folder, name+".key"), name, more)
}

// issueTo is issue for files anywhere, each replaced as a whole.
func (a *authority) issueTo(certFile, keyFile, name string, more func(*x509.Certificate)) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: a.serial.next(), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(12 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	more(template)
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		panic(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	replace(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	replace(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

func (a *authority) write(name, kind string, raw []byte) {
	replace(filepath.Join(a.folder, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}))
}

func replace(path string, text []byte) {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		panic(err)
	}
}

// file is a file of the authority's.
func (a *authority) file(name string) string { return filepath.Join(a.folder, name) }

// args have a server speak TLS as localhost.
func (a *authority) args() []string {
	return []string{"--certfile", a.file("localhost.pem"), "--keyfile", a.file("localhost.key")}
}

// client is what a client believes the authority with, which connects to localhost.
func (a *authority) client() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

// pair is a certificate to show.
func (a *authority) pair(name string) tls.Certificate {
	pair, err := tls.LoadX509KeyPair(a.file(name+".pem"), a.file(name+".key"))
	if err != nil {
		panic(err)
	}
	return pair
}
