// Package server answers HTTP with a WSGI application: net/http in front of
// package embed.
//
// A request's way through the files:
//
//	conn.go       the connection under net/http
//	wire.go       what net/http does not tell of a head: request smuggling, long lines
//	deadline.go   deadlines, and the look-out for clients that leave, put off until they matter
//	handler.go    one request from limits to log
//	limits.go     request line, header fields, body size: 414, 431, 413
//	environ.go    request → environ block
//	proxies.go    whose X-Forwarded-Proto is believed
//	body.go       the request body: read ahead, or streamed
//	response.go   what the application produced → http.ResponseWriter
//	refuse.go     answers that the application has no part in
//	accesslog.go  a line for each request
//	watch.go      clients that left while their request waits or runs
//	server.go     listeners, start, graceful stop
package server
