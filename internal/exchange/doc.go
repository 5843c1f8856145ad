// Package exchange is one request and its response, whatever brought it: it knows
// WSGI and HTTP's meaning, and no protocol on the wire. Handler is an
// http.Handler.
//
// A request's way through the files:
//
//	handler.go    who answers all requests, and with what
//	exchange.go   from limits to the line in the access log
//	client.go     whose it is, if a proxy has passed it on
//	wire.go       what a response goes out by, at its best: internal/http1's Writer
//	foreign.go    the same made of anybody's http.ResponseWriter; foreign_pace.go: its clients' pace
//	gate.go       whom the settings keep out
//	limits.go     request line and fields, where the reader of heads was not ours
//	submit.go     to the application, or why not
//	body.go       the request's body: read ahead, or streamed
//	bodymemory.go what all bodies in memory may have
//	spool.go      bodies in files
//	pace.go       clients that are too slow with it
//	redirect.go   to https, and proofs for a certificate's authority
//	own.go        paths that are gowsgi's own: health, metrics
//	mount.go      which application it is for
//	environ.go    request → environ block
//	response.go   what the application produced → wire
//	coding.go     … compressed
//	ahead.go      … by way of a file, for a client that is slow to take it
//	hints.go      103 Early Hints
//	files.go      files, in the application's place or because it names them
//	fields.go     the application's header fields: which are the server's
//	dress.go      fields and pages of the settings
//	refuse.go     answers that the application has no part in
//	line.go       the line in the access log
//	identity.go   which request it is, in the log; requestid.go, trace.go: its names
//	resume.go     those that the lane has begun
//	record.go     what the application says outside of its responses
//	tally.go      what is counted of it; listed.go: what is shown of one that runs
//	show.go       the line in the log, for who develops
//	advice.go     what the operator is told once for each deployment
//
// Who waits or runs too long is package deadlines' business.
package exchange
