package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Files are the settings.
type Files struct {
	Certificates []string // each with the rest of its chain behind it
	Keys         []string // of these, in the same order; none: they are in the same files
	CAs          string   // who may certify clients; empty: nobody
	Clients      string   // whether clients need a certificate: one of the words below
}

// Words of Files.Clients and Material.Clients, and Gunicorn's for them.
const (
	None     = "none"     // 0
	Optional = "optional" // 1
	Required = "required" // 2
)

// All are the files to be read, in order.
func (f *Files) All() []string {
	all := slices.Concat(f.Certificates, f.Keys)
	if f.CAs != "" {
		all = append(all, f.CAs)
	}
	return all
}

// Equal tells whether both are the same settings.
func (f *Files) Equal(other *Files) bool {
	return slices.Equal(f.Certificates, other.Certificates) && slices.Equal(f.Keys, other.Keys) && f.CAs == other.CAs && f.Clients == other.Clients
}

// Material is what is in the files.
type Material struct {
	Pairs   []Pair `json:"pairs"`
	CAs     []byte `json:"cas,omitempty"` // PEM
	Clients string `json:"clients"`
	// Names are those that certificates are obtained for: Pairs has them as soon as they
	// are there, so it may have none.
	Names []string `json:"names,omitempty"`
	// Tickets are keys of session tickets: the first is for new ones, all of them are
	// for those that clients bring.
	Tickets [][]byte `json:"tickets,omitempty"`
}

// Pair is a certificate with its chain, and its key, as PEM.
type Pair struct {
	Certificate []byte `json:"certificate"`
	Key         []byte `json:"key"`
}

// Equal tells whether both are the same, tickets apart.
func (m *Material) Equal(other *Material) bool {
	same := func(a, b Pair) bool { return bytes.Equal(a.Certificate, b.Certificate) && bytes.Equal(a.Key, b.Key) }
	return slices.EqualFunc(m.Pairs, other.Pairs, same) && bytes.Equal(m.CAs, other.CAs) && m.Clients == other.Clients && slices.Equal(m.Names, other.Names)
}

// Until is when the first of the certificates expires.
func (m *Material) Until() (until time.Time) {
	for _, pair := range m.Pairs {
		made, err := tls.X509KeyPair(pair.Certificate, pair.Key)
		if err == nil && (until.IsZero() || made.Leaf.NotAfter.Before(until)) {
			until = made.Leaf.NotAfter
		}
	}
	return until
}

// Expiries are when the certificates expire, by the names inside; of several for one name,
// such as one of RSA beside one of ECDSA, the first that does.
func (m *Material) Expiries() map[string]time.Time {
	all := map[string]time.Time{}
	for _, pair := range m.Pairs {
		made, err := tls.X509KeyPair(pair.Certificate, pair.Key)
		if err != nil {
			continue
		}
		names := slices.Clone(made.Leaf.DNSNames)
		for _, address := range made.Leaf.IPAddresses {
			names = append(names, address.String())
		}
		for _, name := range names {
			if until, is := all[name]; !is || made.Leaf.NotAfter.Before(until) {
				all[name] = made.Leaf.NotAfter
			}
		}
	}
	return all
}

// Ending is the first certificate that has less than a sixth of its time left, if there
// is one.
func (m *Material) Ending(now time.Time) (names string, until time.Time) {
	const sixth = 6
	for _, pair := range m.Pairs {
		made, err := tls.X509KeyPair(pair.Certificate, pair.Key)
		if err != nil {
			continue
		}
		leaf := made.Leaf
		if left := leaf.NotAfter.Sub(now); left < leaf.NotAfter.Sub(leaf.NotBefore)/sixth && (until.IsZero() || leaf.NotAfter.Before(until)) {
			names, until = strings.Join(leaf.DNSNames, ", "), leaf.NotAfter
		}
	}
	return names, until
}

// Read reads the files. Errors are one sentence each, without anything of what is in
// a file; with one of them there is no Material.
func Read(f *Files, now time.Time) (*Material, []error) {
	m := &Material{Clients: f.Clients}
	var problems []error
	for i, file := range f.Certificates {
		key, setting := file, "certfile"
		if len(f.Keys) > 0 {
			key, setting = f.Keys[i], "keyfile"
		}
		pair, err := readPair(file, key, setting)
		if err == nil {
			err = check(pair, file, key, setting, now)
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		m.Pairs = append(m.Pairs, pair)
	}
	if f.CAs != "" {
		cas, err := read("ca-certs", f.CAs)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(cas) {
			err = fmt.Errorf("--ca-certs %s has no certificate in it: it is to hold those of the authorities that certify clients, as PEM", f.CAs)
		}
		if err != nil {
			problems = append(problems, err)
		}
		m.CAs = cas
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return m, nil
}

func readPair(file, key, setting string) (pair Pair, err error) {
	if pair.Certificate, err = read("certfile", file); err != nil {
		return pair, err
	}
	pair.Key, err = read(setting, key)
	return pair, err
}

// largest is more than any such file has.
const largest = 4 << 20

func read(setting, path string) ([]byte, error) {
	info, err := os.Stat(path) // opening a pipe would wait for whoever writes to it
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("--%s %s: there is no such file", setting, path)
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("--%s %s is no file", setting, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--%s %s cannot be read: %w: gowsgi itself reads it, not its workers", setting, path, errors.Unwrap(err))
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, largest+1))
	if err != nil {
		return nil, fmt.Errorf("--%s %s cannot be read: %w", setting, path, err)
	}
	if len(content) > largest {
		return nil, fmt.Errorf("--%s %s is larger than %d bytes, so it is no such file", setting, path, largest)
	}
	return content, nil
}

// check says what is wrong with a pair.
func check(pair Pair, file, key, setting string, now time.Time) error {
	switch {
	case !has(pair.Certificate, isCertificate):
		return fmt.Errorf("--certfile %s has no certificate in it: it is to hold one as PEM, with the rest of its chain behind it", file)
	case has(pair.Key, isEncrypted):
		return fmt.Errorf("--%s %s has a key with a passphrase: gowsgi asks nobody for it; store the key without (openssl pkey -in … -out …)", setting, key)
	case !has(pair.Key, isKey) && setting == "certfile":
		return fmt.Errorf("--certfile %s has no key in it: name the file that has with --keyfile", file)
	case !has(pair.Key, isKey):
		return fmt.Errorf("--keyfile %s has no key in it: it is to hold the key of --certfile %s as PEM", key, file)
	}
	made, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		if strings.Contains(err.Error(), "does not match") {
			return fmt.Errorf("--%s %s has the key of another certificate than that of --certfile %s", setting, key, file)
		}
		return fmt.Errorf("--certfile %s cannot be used with the key in %s: %w", file, key, err)
	}
	leaf := made.Leaf
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("--certfile %s: the certificate has expired on %s: renew it", file, leaf.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("--certfile %s: the certificate begins to be valid at %s: is the clock right", file, leaf.NotBefore.UTC().Format(time.RFC3339))
	case len(leaf.DNSNames)+len(leaf.IPAddresses) == 0:
		return fmt.Errorf("--certfile %s: the certificate has no name in it, so no client will believe it: have it made with a subjectAltName", file)
	case len(leaf.ExtKeyUsage) > 0 && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny):
		return fmt.Errorf("--certfile %s: the certificate is not for servers (extended key usage): have it made for one", file)
	}
	return nil
}

// has tells whether one of the blocks is such a one.
func has(text []byte, is func(*pem.Block) bool) bool {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if is(block) {
			return true
		}
	}
	return false
}

func isCertificate(b *pem.Block) bool { return b.Type == "CERTIFICATE" }
func isKey(b *pem.Block) bool {
	return b.Type == "PRIVATE KEY" || strings.HasSuffix(b.Type, " PRIVATE KEY")
}

func isEncrypted(b *pem.Block) bool {
	return b.Type == "ENCRYPTED PRIVATE KEY" || isKey(b) && strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED")
}
