// Package certs is what TLS is spoken with: certificates, whom clients may be
// certified by, and the keys of session tickets.
//
// gowsgi reads the files, for its workers may be a user who must not: Read finds
// all that is wrong with them (pair.go). What it has read is Material, which goes
// to each worker over the control socket, at its start and whenever it changes,
// and stands in no environment, no argument and no log. A worker keeps it in a
// Store, which makes a tls.Config of it for the connections that come from then
// on.
//
// All workers have the same keys for session tickets (tickets.go): a client that
// comes back seldom meets the same worker again.
package certs
