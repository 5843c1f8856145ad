package certs

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Tickets are the secrets from which keys of session tickets are made. With such a
// key what was sent in a session of TLS 1.2 can be read, so none lives for long:
// each is for new tickets for a Term, and for those that clients bring for another
// one. The one that is next is known to all workers a Term before it is used, so
// that none of them meets a ticket that it cannot read.
type Tickets struct {
	Secrets [][]byte  `json:"secrets"` // the next, the present and the last one
	Since   time.Time `json:"since"`   // when the present one came
}

// Term is how long a secret is for new tickets.
const Term = 24 * time.Hour

const (
	secretSize  = 32
	secretsKept = 3
	present     = 1
)

// NewTickets makes secrets.
func NewTickets(now time.Time) *Tickets {
	return &Tickets{Secrets: [][]byte{newSecret(), newSecret()}, Since: now}
}

func newSecret() []byte {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // it never fails
	return secret
}

// Check tells whether they are what NewTickets and Rotate make.
func (t *Tickets) Check() error {
	if len(t.Secrets) <= present || len(t.Secrets) > secretsKept {
		return errors.New("certs: these are no secrets for tickets")
	}
	for _, secret := range t.Secrets {
		if len(secret) != secretSize {
			return fmt.Errorf("certs: a secret for tickets has %d bytes", len(secret))
		}
	}
	return nil
}

// Rotate takes the next secret if it is time, and tells whether it was.
func (t *Tickets) Rotate(now time.Time) bool {
	if now.Sub(t.Since) < Term && !now.Before(t.Since) { // a clock that was put back would keep them for ever
		return false
	}
	t.Secrets = append([][]byte{newSecret()}, t.Secrets[:min(len(t.Secrets), secretsKept-1)]...)
	t.Since = now
	return true
}

// keys are the keys for sessions in which clients were certified as clients and cas
// say: a ticket from when that was less is worth nothing where more is asked for.
func (t *Tickets) keys(clients string, cas []byte) [][]byte {
	digest := sha256.Sum256(cas)
	var keys [][]byte
	for _, secret := range t.Secrets {
		key, err := hkdf.Key(sha256.New, secret, digest[:], "gowsgi session tickets, clients "+clients, secretSize)
		if err != nil { // only for lengths that it cannot have
			panic(err)
		}
		keys = append(keys, key)
	}
	keys[0], keys[present] = keys[present], keys[0]
	return slices.Clip(keys)
}

// With is the material with keys for tickets.
func (m *Material) With(t *Tickets) *Material {
	if m == nil || t == nil {
		return m
	}
	with := *m
	with.Tickets = t.keys(m.Clients, m.CAs)
	return &with
}
