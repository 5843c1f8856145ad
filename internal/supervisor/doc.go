// Package supervisor keeps workers running on the listening sockets, and
// replaces them without losing a request. It serves nothing itself and knows
// nothing of Python.
//
// # One loop
//
// Run is a loop over events: a signal, a worker's report, a worker's end, the
// time to replace one, the end of a deadline. Everything the supervisor knows
// is changed there and nowhere else, so there is no lock. Each worker has one
// goroutine that reads its reports and waits for its end; its last event is
// always that the worker is gone.
//
// # Slots
//
// There is a slot for each worker that there should be (slot.go; ends.go,
// number.go). A slot has a
// worker that serves, one that starts, or both: then the one that starts is the
// other's successor. arrange is called after every event that may matter and
// compares what is with what should be: it fills empty slots at once, and has
// workers replaced one after the other. So reloads, limits of a worker's life,
// crashes and signals need not know of each other.
//
// A worker is replaced when it has a reason to be: its deployment is not the
// current one, it asked for it (requests served, a request that is stuck), or
// it is too old or too large (recycle.go). The successor has to be ready, and is
// told to serve, before the old one is told to drain. Until it is told so it
// accepts nothing, so that one that is wanted no more can be killed at any time
// before that. What drain means is told in internal/server: no
// request is lost by it.
//
// A worker that died leaves a slot that is empty, and is replaced at once: what
// it died of was a request, or somebody's kill, and the others are none the
// worse. Only ends that are early, before it was ready or within a second of it
// without a request, make pauses, of 1, 2, 4 … 30 seconds from the second on. The
// other slots do not notice, except that a reload replaces nobody meanwhile: its
// workers are those that end early. Starts that failed are counted as well, and
// start_limit of them in a row are the end of it all, unless another worker
// serves or the deployment has had a request (scoreboard.Latest tells): then it is
// known to work, and gowsgi goes on.
//
// # Reload and upgrade
//
// A reload (reload.go) reads the settings anew, finds Python and the worker
// anew, opens the sockets that are new, and makes that the current deployment.
// If the first worker of it cannot start, the supervisor goes back to the old
// one, whose workers have been serving all the time. Else it is followed
// through.
//
// An upgrade (upgrade.go) starts another gowsgi, of whatever program is now
// where this one was, which inherits the sockets. When it serves, it says so and
// this one drains; if it ends before, this one goes on.
//
// # Start and stop
//
// The first start either succeeds whole or ends the program: a worker that
// fails or dies before it is ready stops the others, and Run returns a
// StartError. Where another gowsgi is to be relieved (an upgrade), so does one
// that ends right after that: the other one goes on.
//
// SIGTERM and SIGINT stop gracefully: workers drain and have GracefulTimeout, at
// most five seconds of it for SIGINT, which is quick in Gunicorn.
// The sockets stay open until workers have taken from the kernel what it had
// accepted, then they shut them down, unless another gowsgi serves on them (after
// an upgrade, or before this one is ready). A second SIGINT, or SIGQUIT, stops
// quickly: the supervisor shuts the sockets down, and workers get SIGQUIT and
// have no time. Either way one that is still there two seconds after its time
// gets SIGKILL; workers keep to their time by themselves. Ctrl-C reaches workers
// too, being in the terminal's process group; they ignore SIGINT and wait for
// what the supervisor says. If the supervisor is gone, they see the end of the
// control socket and stop by themselves, so no PDEATHSIG is needed (Go could not
// use it safely: it tells of the end of the thread that started the process).
//
// What the supervisor does about sockets while it holds them is told in
// internal/listen.
package supervisor
