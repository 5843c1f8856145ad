//go:build loaded

package main

// #cgo LDFLAGS: -ldl
import "C"

import (
	"os"
)

// go_worker_main is main of a worker that is loaded into the application's own
// python, on the process's first thread, before Python has begun; see loaded.c.
//
//export go_worker_main
func go_worker_main() {
	os.Exit(run(inherit()))
}

func main() {} // a shared object's is never called
