//go:build !loaded

package main

import (
	"os"
	"runtime"
)

func init() {
	// The process's first thread becomes Python's main thread: it has the large
	// stack, and it is where threading.main_thread and atexit handlers run.
	runtime.LockOSThread()
}

// main is that of a worker that is a program of its own, linked with libpython: in
// tests, and where the loader cannot put one into another program.
func main() {
	os.Exit(run(inherit()))
}
