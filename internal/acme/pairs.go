package acme

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/gowsgi/gowsgi/internal/certs"
)

// Settings say what is to be obtained from whom.
type Settings struct {
	Names     []string // one certificate for each
	Email     string   // whom the authority may write to; empty: nobody
	Directory string   // the authority's URL
	Storage   string   // a folder
}

// Equal tells whether both are the same.
func (s *Settings) Equal(other *Settings) bool {
	return slices.Equal(s.Names, other.Names) && s.Email == other.Email && s.Directory == other.Directory && s.Storage == other.Storage
}

// A pair is two files, and whoever renews it writes one after the other.
const (
	halfWritten = 100 * time.Millisecond
	attempts    = 20
)

// Pairs are the certificates that are there. Those that have expired are among them: a
// client may still believe one, and without it would only see less well what is wrong.
func (s *Settings) Pairs() ([]certs.Pair, error) {
	storage := &certmagic.FileStorage{Path: s.Storage}
	authority := (&certmagic.ACMEIssuer{CA: s.Directory}).IssuerKey()
	var pairs []certs.Pair
	for _, name := range s.Names {
		pair, err := read(storage, authority, name)
		for n := 1; err != nil && !errors.Is(err, fs.ErrPermission) && n < attempts; n++ {
			time.Sleep(halfWritten)
			pair, err = read(storage, authority, name)
		}
		if err != nil {
			return nil, s.refusal(name, err)
		}
		if pair != nil {
			pairs = append(pairs, *pair)
		}
	}
	return pairs, nil
}

// refusal says what keeps a pair from being used. Only one that was read and is damaged
// is worth nothing: to remove a good one costs one of the few that an authority makes.
func (s *Settings) refusal(name string, err error) error {
	var file *fs.PathError
	switch {
	case errors.As(err, &file) && errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("there is no %s", file.Path)
		fallthrough
	case file == nil:
		return fmt.Errorf("--acme-storage %s: what is there for %s cannot be used: %w: remove it, and it is obtained anew", s.Storage, name, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("--acme-storage %s: user %d may not read %s, which is for %s: let that user own all of the folder, or name another", s.Storage, os.Geteuid(), file.Path, name)
	}
	return fmt.Errorf("--acme-storage %s: %s, which is for %s, cannot be read: %w: see what is wrong with the folder, or name another", s.Storage, file.Path, name, file.Err)
}

// read returns nil if there is none.
func read(storage *certmagic.FileStorage, authority, name string) (*certs.Pair, error) {
	certificate, err := storage.Load(context.Background(), certmagic.StorageKeys.SiteCert(authority, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := storage.Load(context.Background(), certmagic.StorageKeys.SitePrivateKey(authority, name))
	if err != nil {
		return nil, err
	}
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		return nil, err
	}
	return &certs.Pair{Certificate: certificate, Key: key}, nil
}
