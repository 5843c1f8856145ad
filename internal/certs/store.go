package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
)

// Store is what a worker speaks TLS with. Use may be called while connections come.
type Store struct {
	protocols []string // ALPN
	config    atomic.Pointer[tls.Config]
	names     atomic.Pointer[[]string] // Material.Names
	know      func(Question) *Proof    // nil: nobody
}

// NewStore makes a Store for servers that speak these protocols (ALPN).
func NewStore(protocols ...string) *Store { return &Store{protocols: protocols} }

// Use takes what connections from now on are to have.
func (s *Store) Use(m *Material) error {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: s.protocols,
	}
	for _, pair := range m.Pairs {
		made, err := tls.X509KeyPair(pair.Certificate, pair.Key)
		if err != nil {
			return fmt.Errorf("certs: %w", err) // they were checked where they were read
		}
		c.Certificates = append(c.Certificates, made)
	}
	if len(c.Certificates) == 0 && len(m.Names) == 0 {
		return errors.New("certs: there is no certificate")
	}
	if len(m.Names) > 0 {
		c.GetConfigForClient = s.choose(len(c.Certificates) == 0)
	}
	if m.Clients != None {
		c.ClientCAs = x509.NewCertPool()
		c.ClientCAs.AppendCertsFromPEM(m.CAs)
		c.ClientAuth = tls.VerifyClientCertIfGiven
		if m.Clients == Required {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	var keys [][secretSize]byte
	for _, key := range m.Tickets {
		if len(key) == secretSize {
			keys = append(keys, [secretSize]byte(key))
		}
	}
	if len(keys) > 0 {
		c.SetSessionTicketKeys(keys)
	}
	s.names.Store(&m.Names)
	s.config.Store(c)
	return nil
}

// Config is what the next connection is to have. crypto/tls chooses the certificate
// by the names inside, the first one for all other names.
func (s *Store) Config() *tls.Config { return s.config.Load() }

// Covers tells whether there is a certificate for a host, which may have a port, or one
// is being obtained.
func (s *Store) Covers(host string) bool {
	c := s.config.Load()
	if c == nil {
		return false
	}
	host = bare(host)
	if slices.Contains(*s.names.Load(), host) {
		return true
	}
	for i := range c.Certificates {
		if leaf := c.Certificates[i].Leaf; leaf != nil && leaf.VerifyHostname(host) == nil {
			return true
		}
	}
	return false
}

// bare is a host without port and brackets, as names are written.
func bare(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
}
