// Package nursery is gowsgi's end of a nursery: a process that loads the
// application once, and is forked for each worker (--preload).
//
// A process in which Go runs cannot be forked: the child would have one of its
// threads. But CPython can be there before Go is. A nursery is gowsgi-worker,
// told so by its command line; a C constructor (embed/nursery.c) starts CPython,
// loads the application and waits for orders, all before Go's runtime starts. In
// a forked worker the constructor returns, and Go starts in a process that has
// the application already. What workers do not write to they share, and one is
// there in milliseconds.
//
// They talk over a SOCK_SEQPACKET pair, whose messages are whole and can carry
// descriptors. The first one is gowsgi's plan (plan.go). Then gowsgi may order
// workers: a message is the worker's title, with its descriptors, the first of
// which is its control socket. A nursery says, the first byte being what:
//
//	l  loaded: seconds, threads that are not Python's, Python threads, one a line
//	x  cannot load: a sentence, Python's traceback or nothing, and "start" if it was
//	   CPython that did not start
//	f  a worker was forked: its process id
//	e  it could not be: the number of the error
//	s  where the main thread is while it loads, to "?": its ident, its stack or
//	   nothing, and then what faulthandler prints of all threads
//	u  this program was built without nurseries
//	r  what the application says for the log: kind, level, logger, text, traceback, extra
//
// Each field has its length and a colon in front. f and e come in the order of the
// orders; so do s, one for each question. The end of the socket tells the nursery that
// gowsgi is gone; gowsgi kills one that it needs no more, which has nothing to finish.
//
// What can befall one, and what comes of it (the supervisor's part is in
// internal/supervisor/nursery.go and preload.go):
//
//   - It is killed, or crashes: workers are not its children, and go on. Another one
//     loads the application, after pauses if that happens again and again. A worker
//     that it has forked and not told of has a control socket without another end,
//     and ends before it begins.
//   - It is stopped, or hangs while it forks: in a function of os.register_at_fork, at
//     a lock that a thread of the application held. An order that has no answer after
//     some seconds is its end, and another one's beginning.
//   - It may not fork: it says so and goes on. The order failed, as a start would have,
//     and comes again after a pause.
//   - The application forks while it is loaded, perhaps without end. A child that comes
//     back from there ends. One that stays has the nursery's descriptors: so the end of
//     a nursery is that of its process, and not of its socket.
//   - The application speaks with its nursery's voice. It cannot name another process
//     than a child of gowsgi's, of the same user, that nobody else is (child.go).
//   - A worker that was ordered is to be told something (a log level, a question)
//     before it is a process: that waits until it has its plan.
package nursery
