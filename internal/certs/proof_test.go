package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// newPair certifies itself.
func newPair(t *testing.T, name string) *Pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: morning, NotAfter: morning.Add(60 * 24 * time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

// meet has a client that offers protocols meet the store; it gets that name's
// certificate, or an error, and so does the server.
func meet(s *Store, name string, protocols ...string) (shown string, protocol string, err error) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	failed := make(chan error, 1)
	go func() {
		defer theirs.Close()
		failed <- tls.Server(theirs, s.Config()).Handshake()
	}()
	client := tls.Client(ours, &tls.Config{ServerName: name, NextProtos: protocols, InsecureSkipVerify: true})
	if client.Handshake() == nil {
		state := client.ConnectionState()
		shown, protocol = strings.Join(state.PeerCertificates[0].DNSNames, " "), state.NegotiatedProtocol
	}
	return shown, protocol, <-failed
}

func TestOnlyWhoLooksForAProofIsShownIt(t *testing.T) {
	proof, asked := newPair(t, "proof"), []Question(nil)
	s := NewStore("http/1.1")
	s.Prove(func(q Question) *Proof {
		asked = append(asked, q)
		if q.Host == "a.example.org" {
			return &Proof{Pair: proof}
		}
		return nil
	})
	m := &Material{Names: []string{"a.example.org", "b.example.org"}, Clients: Required, CAs: newPair(t, "ca").Certificate}
	if err := s.Use(m); err != nil {
		t.Fatal(err)
	}
	if _, _, err := meet(s, "a.example.org", "http/1.1"); err == nil || !strings.Contains(err.Error(), "there is no certificate yet") {
		t.Errorf("without a certificate: %v", err)
	}
	if shown, protocol, err := meet(s, "A.example.org", ProofProtocol); err != nil || shown != "proof" || protocol != ProofProtocol {
		t.Errorf("%q, %q, %v", shown, protocol, err)
	}
	m = &Material{Names: m.Names, Clients: None, Pairs: []Pair{*newPair(t, "a.example.org")}}
	if err := s.Use(m); err != nil {
		t.Fatal(err)
	}
	asked = nil
	for _, protocols := range [][]string{nil, {"http/1.1"}, {ProofProtocol, "http/1.1"}} {
		if shown, _, err := meet(s, "a.example.org", protocols...); err != nil || shown != "a.example.org" {
			t.Errorf("%v: %q, %v", protocols, shown, err)
		}
	}
	for _, name := range []string{"other.example.org", ""} {
		if _, _, err := meet(s, name, ProofProtocol); err == nil {
			t.Errorf("%q is proved", name)
		}
	}
	if len(asked) != 1 {
		t.Errorf("asked for %v", asked)
	}
	if s.Proof("a.example.org:80", "/x") == nil || s.Proof("a.example.org", strings.Repeat("x", 1000)) != nil {
		t.Error("by HTTP")
	}
	if !s.Covers("B.example.org:443") || s.Covers("c.example.org") {
		t.Error("names that are awaited")
	}
	asked = nil
	if err := s.Use(&Material{Clients: None, Pairs: m.Pairs}); err != nil || s.Proof("a.example.org", "/x") != nil || len(asked) > 0 {
		t.Errorf("where nothing is obtained: %v, asked for %v", err, asked)
	}
	if err := s.Use(&Material{Clients: None}); err == nil {
		t.Error("neither a certificate nor a name")
	}
}

func TestACertificateThatEnds(t *testing.T) {
	m := &Material{Pairs: []Pair{*newPair(t, "a.example.org"), *newPair(t, "b.example.org")}}
	for day, ends := range map[int]bool{0: false, 49: false, 51: true, 70: true} {
		if names, until := m.Ending(morning.Add(time.Duration(day) * 24 * time.Hour)); until.IsZero() == ends || ends && names != "a.example.org" {
			t.Errorf("day %d: %q, %v", day, names, until)
		}
	}
}
