package acme

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"

	"github.com/gowsgi/gowsgi/internal/certs"
)

// Prove answers a worker that an authority is looking at. Nil: there is nothing to be
// proved there, as far as anybody knows who shares the folder.
func (c *Client) Prove(q certs.Question) *certs.Proof {
	switch {
	case !slices.Contains(c.settings.Names, q.Host):
		return nil
	case q.Path != "":
		return c.proveByHTTP(q)
	}
	pair, err := c.proveByTLS(q.Host)
	if err != nil {
		return nil
	}
	return &certs.Proof{Pair: pair}
}

func (c *Client) proveByHTTP(q certs.Question) *certs.Proof {
	answer := response{header: http.Header{}}
	r := &http.Request{Method: http.MethodGet, Host: q.Host, URL: &url.URL{Path: q.Path}, RequestURI: q.Path, Header: http.Header{}}
	if !c.issuer.HandleHTTPChallenge(&answer, r) || answer.Len() == 0 {
		return nil
	}
	return &certs.Proof{Text: answer.String()}
}

// response keeps what certmagic answers.
type response struct {
	bytes.Buffer
	header http.Header
}

func (r *response) Header() http.Header { return r.header }
func (r *response) WriteHeader(int)     {}

// proveByTLS has the certificate made that is shown to the authority alone.
func (c *Client) proveByTLS(host string) (*certs.Pair, error) {
	conn, other := net.Pipe() // certmagic says in its log who asks
	defer conn.Close()
	defer other.Close()
	made, err := c.config.GetCertificate(&tls.ClientHelloInfo{ServerName: host, SupportedProtos: []string{certs.ProofProtocol}, Conn: conn})
	if err != nil {
		return nil, err
	}
	if made == nil || len(made.Certificate) == 0 {
		return nil, errors.New("acme: there is no certificate to show")
	}
	key, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("acme: %w", err)
	}
	return &certs.Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}, nil
}
