// Package reap collects the processes that nobody else does.
//
// In a container gowsgi is often process 1: what the application's processes
// leave running becomes its child, and stays a zombie after its end unless it is
// waited for. Without that a site that starts a daemon now and then runs out of
// process ids.
//
// Nothing tells an orphan from a process that os/exec started and is about to
// wait for, and os/exec must be the one to do that. wait4(-1) would take its
// result away; waitid with WNOWAIT only ever shows the first zombie, which may
// be another's. So the zombies are looked up in /proc, and what is one at two
// looks a second apart, and is not known to be anybody's, is an orphan: os/exec
// has a goroutine waiting for each process it started. The time alone would do
// but for a machine that stood still; who is known alone would do but for a
// process that ends before its starter could say that it is there.
//
// Compared: ramr/go-reaper and hashicorp/go-reap wait for whatever ends. With
// the one, a program that starts processes must run as a second process below
// it; with the other, hold a lock around each that it starts.
package reap
