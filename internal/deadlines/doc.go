// Package deadlines is who waits or runs too long: for a thread (queue_timeout),
// inside the application (timeout, timeout_grace, slow_request_threshold), for the
// GIL (deadlock_timeout); and whose client has left.
//
//	flight.go    a request on its way through Python, as it is watched
//	watcher.go   the goroutine that looks at all of them
//	timeout.go   what happens at a deadline: the log, the worker's end
//	stacks.go    where the Python threads are
//	alarms.go    records that are rationed, the GIL that is stuck
//	figures.go   what the worker wants to know
package deadlines
