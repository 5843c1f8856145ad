package crash

/*
#cgo pkg-config: python3
#cgo CFLAGS: -std=gnu11 -Wall -Wextra -Wno-unused-parameter
#include <stdlib.h>
#include "crash.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// Output makes the report of a crash (a signal such as SIGSEGV in Python) go
// where fd goes; it is duplicated. Standard error until then. At any time.
func Output(fd uintptr) error {
	if failed, err := C.gowsgi_crash_output(C.int(fd)); failed != 0 {
		return fmt.Errorf("crash: send reports to descriptor %d: %w", fd, err)
	}
	return nil
}

// Dump is the stacks of all Python threads, taken without the GIL and written
// as faulthandler does; "" if they cannot be had. Threads that run meanwhile can
// make it wrong: it is for when nobody gets the GIL. From any goroutine.
func Dump() string {
	var size C.size_t
	text := C.gowsgi_dump_text(&size)
	if text == nil {
		return ""
	}
	defer C.free(unsafe.Pointer(text))
	return C.GoStringN(text, C.int(size))
}
