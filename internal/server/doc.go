// Package server answers HTTP with a WSGI application: net/http in front of
// package embed.
//
// A request's way through the files:
//
//	conn.go       the connection under net/http
//	plain.go      plain requests, which net/http never hears of
//	head.go       what is plain
//	answer.go     the http.ResponseWriter of a plain request
//	wire.go       what net/http does not tell of a head: request smuggling, long lines
//	deadline.go   deadlines, and the look-out for clients that leave, put off until they matter
//	handler.go    one request from limits to log
//	limits.go     request line, header fields, body size: 414, 431, 413
//	environ.go    request → environ block
//	target.go     the request's target, as logs may have it
//	proxies.go    whose X-Forwarded-Proto is believed
//	body.go       the request body: read ahead, or streamed
//	pace.go       clients that are too slow with a body or a response
//	response.go   what the application produced → http.ResponseWriter
//	hints.go      103 Early Hints
//	fields.go     the application's header fields: what goes out, and under which name
//	advice.go     what the operator is told once for each deployment
//	refuse.go     answers that the application has no part in
//	accesslog.go  a line for each request
//	watch.go      requests that wait or run: clients that left, deadlines
//	timeout.go    what happens at a deadline: 503, 504, the log, the worker's end
//	stacks.go     where the Python threads are
//	alarms.go     records that are rationed, the GIL that is stuck
//	figures.go    what the worker wants to know
//	drain.go      the end without a lost request; deaf_linux.go: the end of accepting
//	shortage.go   no descriptor left for a connection
//	warmup.go     the first request of a new worker, its own
//	broken.go     instead of an application that cannot be loaded
//	server.go     listeners, start
package server
