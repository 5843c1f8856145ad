package certs

import (
	"crypto/tls"
	"errors"
)

// ProofProtocol is what an authority speaks that looks for a proof by TLS: nothing but
// the handshake (RFC 8737, 3).
const ProofProtocol = "acme-tls/1"

// Question is what an authority looks for.
type Question struct {
	Host string `json:"host"`
	Path string `json:"path,omitempty"` // by HTTP; empty: by TLS
}

// Proof is what it is shown.
type Proof struct {
	Pair *Pair  `json:"pair,omitempty"`
	Text string `json:"text,omitempty"`
}

// Prove says who knows proofs; before Use. It returns nil if there is none.
func (s *Store) Prove(know func(Question) *Proof) { s.know = know }

// longestPath is more than that of any proof by HTTP.
const longestPath = 256

// Proof is what an authority is shown that looks there; nil: it is none, or there is
// nothing to show. Of which hosts there is one is not known here: there may be more of
// them since a reload that this worker will not live to see through.
func (s *Store) Proof(host, path string) *Proof {
	host = bare(host)
	if names := s.names.Load(); s.know == nil || names == nil || len(*names) == 0 || host == "" || len(path) > longestPath {
		return nil
	}
	return s.know(Question{Host: host, Path: path})
}

var (
	errNotYet  = errors.New("there is no certificate yet: gowsgi is obtaining one")
	errNoProof = errors.New("somebody looks for a proof of who we are (ACME), and nobody knows of one")
)

// choose is what a connection is to have that does not have what all others have.
func (s *Store) choose(none bool) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == ProofProtocol {
			return s.show(hello.ServerName)
		}
		if none {
			return nil, errNotYet
		}
		return nil, nil
	}
}

func (s *Store) show(host string) (*tls.Config, error) {
	proof := s.Proof(host, "")
	if proof == nil || proof.Pair == nil {
		return nil, errNoProof
	}
	made, err := tls.X509KeyPair(proof.Pair.Certificate, proof.Pair.Key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{ProofProtocol}, Certificates: []tls.Certificate{made},
		SessionTicketsDisabled: true,
	}, nil
}
