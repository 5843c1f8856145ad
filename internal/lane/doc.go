// Package lane serves plain requests where they arrive: on the Python threads
// themselves, in C, without a goroutine or a system call more than it takes.
//
// It holds connections that wait for a request in one epoll set, which the threads
// of the pool wait in by turns (gil, "Source"). Whoever leads reads what has come, a
// round of up to 64 connections at a time, and submits those requests that are whole
// and plain; everything else is handed over to Go, with what has been read. What a
// plain request's application produces goes out on its thread.
//
// # What is plain
//
// A request in origin form whose head and body, if it has one of known length, are
// there when they are first read; without Expect, Upgrade, fields that occur twice
// or have an underscore; inside of a mount, and for none of gowsgi's own paths or those of files.
// A response that fits into the socket, as a file does that its client takes as fast as
// it is sent (not over TLS, where it would have to be read): nothing to be compressed, no early
// hints, no field that is the server's to set, no exception, and nothing that breaks
// PEP 3333. And all of it within a tenth of a second. Whatever is not so becomes
// Go's at that moment, in the middle, as it stands, and is dealt with there: by the
// reader of http1 for bytes, by an exchange for a request. So there is one place for
// each rule that is not plain.
//
// # TLS
//
// The sockets of connections with TLS are read and written here as all others; what is
// read is opened, and what is written is sealed, by crypto/tls (http1.Secured), called
// without a lock and without the GIL. Whatever it has to say beside, or waits for, is
// Go's: a handshake, a record that is not whole, an end.
//
// # Who has what
//
// A connection is a slot (gowsgi_connection) that is never freed. Its word says who
// has it:
//
//	free    nobody
//	waits   the epoll set; it is on one of two lists, the longest waiting first
//	busy    whoever took it out of there: the reader, then a turn, or Go
//
// All changes of the word are made under the lane's lock. Events of a busy
// connection are only noted: it is registered once, edge-triggered, so whoever gives
// it back looks for the note first. An event may be late and mean the slot's
// connection before: then a read finds nothing.
//
// A turn is a request of embed's with what the lane knows of it. Its owner, guarded
// by the request's lock, is the lane, a thread that sends, or Go; once it is Go's it
// stays so to its end.
//
// The order of locks: the lane's, then a request's or the pool's. None is held over a
// system call that may wait, or a call into Python.
//
//	lane.h        what Go calls, and what goes between
//	connection.c  slots: given, parked, handed over, closed
//	round.c       the reader: wait, collect
//	sealed.c      the same of connections with TLS, and their records
//	plain.c       a head and a body become a request
//	forwarded.c   whose it is, if a proxy has passed it on
//	mount.c       which application it is for
//	answer.c      the head of a response
//	stock.c       turns that nobody uses, and what they keep
//	turn.c        requests that are alive: whose each is
//	wire.c        what the application's thread tells of its response
//	parcel.c      what of it goes out in one system call
//	record.c      what is noted of requests that are over
//	lookout.c     who looks while nobody leads
//	lane.c        the lane itself
//	lane.go, forwarded.go, handover.go, records.go, tls.go  Go's half
package lane
