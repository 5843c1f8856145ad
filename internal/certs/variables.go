package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Variables says what an application may want to know of a connection, under the
// names of Apache's mod_ssl. Those of a client's certificate are there if it has shown
// one that was certified: nothing is said of any other.
func Variables(c *tls.ConnectionState, set func(name, value string)) {
	set("HTTPS", "on")
	set("SSL_PROTOCOL", protocol(c.Version))
	set("SSL_CIPHER", cipher(c.CipherSuite))
	if c.ServerName != "" {
		set("SSL_TLS_SNI", c.ServerName)
	}
	if len(c.PeerCertificates) == 0 || len(c.VerifiedChains) == 0 {
		set("SSL_CLIENT_VERIFY", "NONE")
		return
	}
	set("SSL_CLIENT_VERIFY", "SUCCESS")
	client(c.PeerCertificates[0], set)
}

func client(cert *x509.Certificate, set func(name, value string)) {
	set("SSL_CLIENT_M_VERSION", strconv.Itoa(cert.Version))
	set("SSL_CLIENT_M_SERIAL", fmt.Sprintf("%X", cert.SerialNumber))
	name("SSL_CLIENT_S_DN", &cert.Subject, set)
	name("SSL_CLIENT_I_DN", &cert.Issuer, set)
	set("SSL_CLIENT_V_START", when(cert.NotBefore))
	set("SSL_CLIENT_V_END", when(cert.NotAfter))
	for i, dns := range cert.DNSNames {
		set("SSL_CLIENT_SAN_DNS_"+strconv.Itoa(i), dns)
	}
	for i, email := range cert.EmailAddresses {
		set("SSL_CLIENT_SAN_Email_"+strconv.Itoa(i), email)
	}
	set("SSL_CLIENT_CERT", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
}

// name says who somebody is: RFC 2253, and the parts that have a name in mod_ssl; of
// several of a kind the first.
func name(variable string, who *pkix.Name, set func(name, value string)) {
	set(variable, who.String())
	for _, part := range []struct {
		name   string
		values []string
	}{
		{"C", who.Country},
		{"ST", who.Province},
		{"L", who.Locality},
		{"O", who.Organization},
		{"OU", who.OrganizationalUnit},
	} {
		if len(part.values) > 0 {
			set(variable+"_"+part.name, part.values[0])
		}
	}
	if who.CommonName != "" {
		set(variable+"_CN", who.CommonName)
	}
	for _, attribute := range who.Names {
		if email, ok := attribute.Value.(string); ok && attribute.Type.String() == "1.2.840.113549.1.9.1" {
			set(variable+"_Email", email)
			break
		}
	}
}

// when is a time as OpenSSL prints it.
func when(t time.Time) string { return t.UTC().Format("Jan _2 15:04:05 2006 GMT") }

func protocol(version uint16) string {
	switch version {
	case tls.VersionTLS13:
		return "TLSv1.3"
	case tls.VersionTLS12:
		return "TLSv1.2"
	}
	return tls.VersionName(version)
}

// cipher is the name of a suite that OpenSSL has for it: of TLS 1.3 it is the usual
// one (TLS_AES_128_GCM_SHA256), of TLS 1.2 without what goes without saying
// (ECDHE-RSA-AES128-GCM-SHA256).
func cipher(suite uint16) string {
	usual := tls.CipherSuiteName(suite)
	rest, found := strings.CutPrefix(usual, "TLS_ECDHE_")
	if !found {
		return usual
	}
	rest = strings.TrimSuffix(strings.Replace(rest, "_WITH_", "-", 1), "_SHA256")
	rest = strings.NewReplacer("AES_", "AES", "_GCM", "-GCM", "_CBC", "", "_SHA", "-SHA", "CHACHA20_POLY1305", "CHACHA20-POLY1305").Replace(rest)
	if strings.HasSuffix(rest, "-GCM") { // SHA256 was there: of SHA384 it is left
		rest += "-SHA256"
	}
	return "ECDHE-" + rest
}
