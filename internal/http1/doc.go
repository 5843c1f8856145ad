// Package http1 is HTTP/1.0 and 1.1, as RFC 9112 has it, on the strict side.
//
// What is a valid head, and where a request ends, is decided in one place: the
// reader in C (head.c, target.c, framing.c, chunks.c), which knows no
// connection. How a connection goes on after a response is decided in another:
// after.c.
package http1
