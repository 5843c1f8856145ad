// Package supervisor opens the listening sockets and keeps workers running on
// them. It serves nothing itself and knows nothing of Python.
//
// # One loop
//
// Run is a loop over events: a signal, a worker's report, a worker's end, the
// time to replace one, the end of a deadline. Everything the supervisor knows
// is changed there and nowhere else, so there is no lock. Each worker has one
// goroutine that writes its plan, reads its reports and waits for its end; its
// last event is always that the worker is gone.
//
// # Sockets
//
// All are open before the first worker starts, and each worker inherits all of
// them. They are in blocking mode and out of Go's poller while the supervisor
// holds them. Blocking, because os/exec asks for a descriptor with File.Fd,
// which puts a socket from net into blocking mode, and that mode belongs to
// the socket itself: at each start it would change under the workers that are
// serving, and one of them would be stuck in accept(2). Out of the poller,
// because the supervisor would wake up for every connection. A worker makes
// them non-blocking (net.FileListener does).
//
// When a stop begins, the supervisor gives its own descriptors up first: once
// the last worker has closed its own, clients are refused at once rather than
// left in a queue that nobody reads.
//
// # Start, death, stop
//
// The first start either succeeds whole or ends the program: a worker that
// fails or dies before all are ready stops the others, and Run returns a
// StartError. From then on a worker that dies is replaced: at once, but a
// worker that dies early, and whose predecessors did too, waits 1, 2, 4 … 30
// seconds.
//
// SIGTERM and SIGINT stop gracefully: workers get SIGTERM and have
// GracefulTimeout. A second SIGINT, or SIGQUIT, stops quickly: workers get
// SIGQUIT and have no time. Either way one that is still there two seconds
// after its time gets SIGKILL; workers keep to their time by themselves. Ctrl-C reaches workers too, being
// in the terminal's process group; they ignore SIGINT and wait for what the
// supervisor says. If the supervisor is gone, they see the end of the control
// socket and stop by themselves, so no PDEATHSIG is needed (Go could not use
// it safely: it tells of the end of the thread that started the process).
package supervisor
