package embed

/*
#include <stdint.h>
#include "record.h"
*/
import "C"

import "fmt"

// Kinds of Record.
const (
	ErrorStream   = C.WSGI_LOG_ERRORS // the application wrote to wsgi.errors
	SignalIgnored = C.WSGI_LOG_SIGNAL // it called signal.signal; Text has the stack
	Stdout        = C.WSGI_LOG_STDOUT // it wrote to sys.stdout; see CaptureOutput
	Stderr        = C.WSGI_LOG_STDERR // it wrote to sys.stderr
	Logged        = C.WSGI_LOG_LOGGED // it logged; Level and Logger are set
)

// Record is something of the application's for the log.
type Record struct {
	Kind    int
	Request *Request // that the thread runs which said it; nil: none
	Text    string
	Level   int    // of a Logged record, as Python's logging counts: 30 is WARNING
	Logger  string // its logger's name: "django.request"
}

// ChildOutput makes what the application says in a forked child, where Go does not
// run, go where fd goes; it is duplicated. Standard error until then. At any time.
func ChildOutput(fd uintptr) error {
	if failed, err := C.gowsgi_child_output(C.int(fd)); failed != 0 {
		return fmt.Errorf("embed: send what forked children say to descriptor %d: %w", fd, err)
	}
	return nil
}

// go_log is called by the application's threads, without the GIL.
//
//export go_log
func go_log(kind C.int, index C.int64_t, level C.int, logger *C.char, loggerSize C.size_t, data *C.char, size C.size_t) {
	in := process.Load()
	record := Record{
		Kind: int(kind), Text: C.GoStringN(data, C.int(size)),
		Level: int(level), Logger: C.GoStringN(logger, C.int(loggerSize)),
	}
	if app := in.app.Load(); app != nil && index >= 0 {
		record.Request = app.request(int(index))
	}
	defer func() {
		// A panic must not unwind into C: the record is lost, the request not.
		_ = recover()
	}()
	in.log(record)
}
