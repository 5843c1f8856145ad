// Package http1 is HTTP/1.0 and 1.1, as RFC 9112 has it, on the strict side.
//
// What is a valid head, and where a request ends, is decided in one place: the
// reader in C (head.c, target.c, framing.c, chunks.c), which knows no
// connection. How a connection goes on after a response is decided in another:
// after.c. The rest is a connection's life, on a goroutine of its own:
//
//	server.go    the connections that there are; their end
//	accept.go    those that come: how many may; shortage.go: what if there are no descriptors
//	announced.go the PROXY protocol: whose connection it is
//	conn.go      a connection from one request to the next
//	patience.go  until when it waits for its client, without a timer a request
//	adopt.go     connections that a lane has had, or is to have
//	socket.go    reading without memory for what has not come, writing many pieces
//	descriptor.go a socket that was accepted by somebody else
//	handshake.go how a connection begins to speak TLS, and waits while it does
//	records.go   TLS, between a connection and its socket
//	turn.go      a request: what was read as an http.Request
//	body.go      its body: counted, chunked, asked for by 100 Continue
//	writer.go    its response: an http.ResponseWriter that can do more
//	line.go      status lines and fields
//	facts.go     what a handler may want to know of the connection
//	refuse.go    answers to what was no request
//	preface.go   connections that turn out to be HTTP/2's
//
// Two values say where a connection stands, what may be read (body.input) and
// what may be written (Writer.output), and a third whether it goes on
// (Writer.reuse), which can only fall and is fixed before the head of the
// response goes out.
package http1
