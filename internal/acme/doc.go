// Package acme has certificates made by an authority that speaks ACME (RFC 8555), for
// the names of the settings, and has them renewed in time. certmagic does it; this
// package says what of it is used, and how.
//
// It runs in gowsgi, which may be root, holds the keys, and outlives workers. What it
// has obtained lies in a folder, from which it is read like any other certificate
// (pairs.go): so a start, a reload and an upgrade have it at once, whoever obtained it.
// Several gowsgis may share the folder, by certmagic's locks: one of them obtains, all
// of them find it.
//
// An authority looks at port 443 (TLS-ALPN-01, RFC 8737) or 80 (HTTP-01, RFC 8555, 8.3)
// for a proof that the name is ours. Workers accept there, and any of them may be met,
// even one of another gowsgi that shares the address or the folder. So nothing is sent
// to workers beforehand: a worker that is looked at asks gowsgi, and gowsgi knows, or
// finds it in the folder, where certmagic puts it before it has anybody look
// (proof.go). No worker is too new to know, and nobody has to wait for one that is
// stopped.
package acme
