// Package crash is what is left when nobody can be asked any more: a report of
// what the worker did when C code under Python crashed, and the Python stacks of
// all threads without the GIL.
//
// It knows neither tasks nor requests. It is told: which threads there are and
// what they run (by package gil), and how to say what that is (by package embed),
// each as a C function that is called in a signal handler.
//
// C calls crash.h, Go calls what this package exports.
//
//	crash.c   the handler of fatal signals
//	dump.c    Python stacks without the GIL
//	crash.go  the Go half of both
package crash
