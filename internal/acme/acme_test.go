package acme

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/gowsgi/gowsgi/internal/certs"
)

const directory = "https://ca.example.org/dir"

// store puts a certificate for name where certmagic would.
func store(t *testing.T, folder, name string, until time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: until.Add(-time.Hour), NotAfter: until}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	storage := &certmagic.FileStorage{Path: folder}
	authority := (&certmagic.ACMEIssuer{CA: directory}).IssuerKey()
	for key, block := range map[string]*pem.Block{
		certmagic.StorageKeys.SiteCert(authority, name):       {Type: "CERTIFICATE", Bytes: raw},
		certmagic.StorageKeys.SitePrivateKey(authority, name): {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := storage.Store(context.Background(), key, pem.EncodeToMemory(block)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatHasBeenObtainedIsFound(t *testing.T) {
	s := Settings{Names: []string{"a.example.org", "b.example.org"}, Directory: directory, Storage: filepath.Join(t.TempDir(), "x")}
	if pairs, err := s.Pairs(); err != nil || len(pairs) > 0 {
		t.Errorf("without a folder: %v, %v", pairs, err)
	}
	store(t, s.Storage, "b.example.org", time.Now().Add(-time.Hour))
	if pairs, err := s.Pairs(); err != nil || len(pairs) != 1 {
		t.Errorf("one that has expired: %v, %v", len(pairs), err)
	}
	other := s
	other.Directory = "https://another.example.org/dir"
	if pairs, err := other.Pairs(); err != nil || len(pairs) > 0 {
		t.Errorf("another authority's: %v, %v", len(pairs), err)
	}
}

// Who reads between the two files of a renewal gets the pair all the same.
func TestAPairThatIsBeingWritten(t *testing.T) {
	s := Settings{Names: []string{"a.example.org"}, Directory: directory, Storage: t.TempDir()}
	store(t, s.Storage, "a.example.org", time.Now().Add(time.Hour))
	authority := (&certmagic.ACMEIssuer{CA: directory}).IssuerKey()
	file := filepath.Join(s.Storage, certmagic.StorageKeys.SitePrivateKey(authority, "a.example.org"))
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	found := make(chan error)
	go func() {
		pairs, err := s.Pairs()
		if err == nil && len(pairs) != 1 {
			err = errors.New("there is none")
		}
		found <- err
	}()
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-found; err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pairs(); err == nil || !strings.Contains(err.Error(), "a.example.org") || !strings.Contains(err.Error(), s.Storage) {
		t.Errorf("one that stays so: %v", err)
	}
}

func TestStorageIsTried(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, good := range map[string]bool{
		folder: true, filepath.Join(folder, "a", "b"): true, file: false, filepath.Join(file, "x"): false, "/proc/self/x/y": false,
	} {
		if err := Try(path); (err == nil) != good && (path != "/proc/self/x/y" || os.Geteuid() != 0) {
			t.Errorf("%s: %v", path, err)
		} else if err != nil && strings.Contains(err.Error(), "stat ") {
			t.Errorf("%s: a call is named: %v", path, err)
		}
		if err := Prepare(path); (err == nil) != good {
			t.Errorf("%s is made: %v", path, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "a", "b")); err != nil {
		t.Error(err)
	}
}

// What certmagic logs is told in our words, once, and without what it has besides.
func TestRecords(t *testing.T) {
	var text bytes.Buffer
	c := New(Settings{Names: []string{"a.example.org"}, Directory: directory, Storage: t.TempDir()}, Place{}, slog.New(slog.NewTextHandler(&text, nil)), func() {})
	log := zap.New(&records{log: c.log, over: &c.over, ended: c.ended})
	failed := errors.New("[a.example.org] Obtain: [a.example.org] solving challenge:\nno")
	log.Error("could not get certificate from issuer", zap.Error(failed))
	log.With(zap.String("key_pem", "SECRET")).Error("will retry", zap.Error(failed), zap.Duration("retrying_in", time.Minute), zap.String("csr", "SECRET"))
	log.Error("stapling", zap.Strings("identifiers", []string{"a.example.org"}), zap.Error(errors.New("no")))
	log.Warn("something else")
	log.Error("tls-alpn challenge", zap.Error(errors.New("nobody knows of one")))
	if got := text.String(); strings.Count(got, "\n") != 2 || strings.Contains(got, "SECRET") ||
		!strings.Contains(got, `event=acme.failed name=a.example.org reason="solving challenge:; no" again_in=1m0s`) ||
		!strings.Contains(got, `event=acme.trouble name=a.example.org reason="stapling: no"`) {
		t.Error(got)
	}
	text.Reset()
	c.Close()
	log.Error("will retry", zap.Error(context.Canceled))
	if text.Len() > 0 {
		t.Errorf("after the end: %s", &text)
	}
}

// What certmagic gives up, since the folder cannot be used, is begun again.
func TestAFolderThatIsUsableLater(t *testing.T) {
	folder := filepath.Join(lateDir(t), "x")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	failed, obtaining := make(chan struct{}, 1000), make(chan struct{}, 1000)
	handler := slog.NewTextHandler(io.Discard, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Value.String() {
		case "acme.failed":
			failed <- struct{}{}
		case "acme.obtaining":
			obtaining <- struct{}{}
		}
		return a
	}})
	s := Settings{Names: []string{"a.example.org"}, Email: "me@example.org", Directory: "https://127.0.0.1:1/", Storage: folder}
	c := New(s, Place{TLS: 443}, slog.New(handler), func() {})
	c.pause = time.Millisecond
	c.Obtain()
	defer c.Close()
	for range 3 {
		<-failed
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	<-obtaining
}

// lateDir is a folder in which something may still be made when the test is over: Close
// waits for nobody.
func lateDir(t *testing.T) string {
	folder, err := os.MkdirTemp("", "acme")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for until := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if err := os.RemoveAll(folder); err == nil || time.Now().After(until) {
				return
			}
		}
	})
	return folder
}

// A proof is what whoever shares the folder has put there.
func TestProofsOfOthersAreFound(t *testing.T) {
	s := Settings{Names: []string{"a.example.org", "b.example.org"}, Directory: directory, Storage: t.TempDir()}
	c := New(s, Place{TLS: 443, HTTP: 80}, slog.New(slog.DiscardHandler), func() {})
	defer c.Close()
	authority := (&certmagic.ACMEIssuer{CA: directory}).IssuerKey()
	info := `{"type":"http-01","token":"tok","keyAuthorization":"tok.abc","identifier":{"type":"dns","value":"a.example.org"}}`
	for _, name := range []string{"a.example.org", "other.example.org"} {
		text := strings.ReplaceAll(info, "a.example.org", name)
		key := "acme/" + authority + "/challenge_tokens/" + name + ".json"
		if err := (&certmagic.FileStorage{Path: s.Storage}).Store(context.Background(), key, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	const path = "/.well-known/acme-challenge/"
	if proof := c.Prove(certs.Question{Host: "a.example.org", Path: path + "tok"}); proof == nil || proof.Text != "tok.abc" {
		t.Errorf("%+v", proof)
	}
	if proof := c.Prove(certs.Question{Host: "a.example.org"}); proof == nil || proof.Pair == nil {
		t.Errorf("%+v", proof)
	}
	for _, q := range []certs.Question{
		{Host: "a.example.org", Path: path + "other"},
		{Host: "a.example.org", Path: path},
		{Host: "b.example.org", Path: path + "tok"},
		{Host: "b.example.org"},
		{Host: "other.example.org", Path: path + "tok"},
		{Host: "other.example.org"},
	} {
		if proof := c.Prove(q); proof != nil {
			t.Errorf("%+v: %+v", q, proof)
		}
	}
}
