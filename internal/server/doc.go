// Package server wires listeners to what is behind them, and ends without a lost
// request:
//
//	server.go       listeners → internal/http1 (→ internal/http2) → internal/exchange
//	lane_linux.go   … → internal/lane, for what is plain; lane_other.go
//	descriptor.go   no connection among the standard streams
//	connections.go  how many there may be
//	tls.go          which listeners speak TLS, and which send clients there
//	asked.go        what there is to tell of it from outside
//	refusals.go     what the logs say of what was no request
//	drain.go        the end without a lost request; deaf_linux.go: the end of accepting
//	warmup.go       the first request of a new worker, its own
//	broken.go       instead of an application that cannot be loaded
package server
