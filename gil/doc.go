// Package gil runs tasks on a fixed set of Python threads and decides how many
// of them may be inside Python at once.
//
// It knows nothing of HTTP or WSGI: a task is C memory with a gowsgi_task as
// its first member and a C function to run (pool.h). It tells package crash which
// threads there are and what they run.
//
// # Two halves
//
// gil is a C library, pool.h, with a thin Go half. Tasks run in C, on threads
// that Go does not know: there they ring, and look at each other. What Go does
// for a request has its own C at that moment, which submits the task or posts a
// job without a second crossing. So C calls C, by pool.h alone (queue.h is for this
// package's own files), and Go calls Go: the bells and whoever waits for them,
// Ask, Close. Between them go pointers to C memory (Register, Ask, Pointer), and
// the result of a submit (SubmitError); Go outside of this package names no
// function, field or constant of gil's C. boundary_test.go holds it.
//
// Not taken: Go's API for everybody. C would have to go through Go to ring, or Go
// to cross twice to submit.
//
// # Threads
//
// Python runs on threads of its own only (threading.Thread objects whose body is
// C), made once, each with one thread state for its
// whole life: the number of threads that ever see Python is exactly
// Config.Threads, and thread-locals, contextvars and database connections
// belong to them. Calling Python on a goroutine's own thread costs three times
// as much CPU, and any number of threads would pass through it.
//
// Submit links a task into the queue and wakes a thread only if one is needed.
// The thread that ran last runs next, so that the others, and what they hold
// on to, can age.
//
// # Limit
//
// Two requests half done at once on one GIL fall into a convoy: every I/O call
// and contended lock hands the GIL over, at a context switch or two each. So a
// thread starts a task only while fewer than `limit` are inside. Alone, it keeps the GIL
// from task to task.
//
// A probe finds the limit. Only while tasks wait at it, a thread of its own
// asks for the GIL and times the answer: got at once, those inside are blocked
// elsewhere and there is room for one more; a long wait, and the GIL is the
// bottleneck and one less is better. A task that is inside for more than
// 100 ms no longer counts, so that a long computation does not keep short
// requests waiting. On a free-threaded CPython the limit is the number of
// threads.
//
// # Quota
//
// Tasks may have a quota: at most so many of those that have the same one run at once.
// The others wait in a list of their own, so that they hold up nobody, and take no
// room in the queue that others need. Which task is next is decided over all lists: the
// one that has waited longest of those that may start.
//
// # Source
//
// Tasks may come from a second place than Submit: a source (pool.h), which has to be
// waited for. Threads without a task wait in it in turn: one leads, that is, waits
// there without the GIL, submits what it finds and runs the first of it; the others
// are idle. Another one leads when it has a task, but only if the limit lets one
// more start. What a source does while nobody leads is its own affair. It hears of
// those of its tasks that are quiet when they are done, in place of a bell.
//
// # Bells
//
// A task rings to wake its goroutines; done, it rings once more. Rung tasks
// are linked into a list, and one reader goroutine is told through an eventfd,
// only if it is not awake already.
//
// # Inspector
//
// One more thread takes the GIL for those who may not: it runs short jobs, and
// asks for the GIL once a second while tasks are inside, so that everybody can
// read for how long it could not be had.
//
//	pool.h       what embed may call
//	queue.c      submit, cancel, ring, reap
//	thread.c     the life of a Python thread
//	threading.c  the threads as Python's threading module knows them
//	hub.c        idle threads of an application that uses greenlets
//	probe.c      the limit
//	inspector.c  jobs that need the GIL; inspector.go asks for them
//	pool.c       start, close
package gil

import _ "github.com/gowsgi/gowsgi/internal/crash" // its C half: a Python thread is told to it, and taken from it
