// Package http2 is HTTP/2 (RFC 9113): the standard library's server, one for each
// connection, and what it leaves to be done.
//
//	server.go   the connections that there are; their end
//	conn.go     a connection as the library sees it, and how long it may be idle
//	goaway.go   the frames that go out, and those of our own between them
//	head.go     a request's head, read by internal/http1's reader
//	request.go  a request: checked, counted, and the handler's
//	floods.go   clients that ask and do not wait for the answer
//
// A server for each connection costs 3 KB, and is what a connection can be ended by
// without the others (http.Server.Shutdown). net/http gets connections without TLS
// only: whoever has decrypted one passes what it decrypts.
//
// A head is written out as one of HTTP/1.1 and read by the same reader as all
// others. So there is one place which decides what a valid target, host or length
// is, how large what may be, and what is answered otherwise.
//
// The library's GOAWAY says which request was the last, and drops those that come
// after it. Clients may send these again, but many do not. So we say something else
// a while before, as RFC 9113, 6.8, advises: that there will be an end, and which
// request is the last is not known yet. Nothing is lost for that, and whoever has
// heard it sends nothing more. That frame is written between two of the library's.
package http2
