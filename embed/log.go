package embed

/*
#include <stdint.h>
#include "record.h"
*/
import "C"

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

	generation uint64 // of Request
}

// WithLabel calls f with the label of the record's request, unless there is none or
// it has been released. It is not released meanwhile, so f must be quick.
func (r Record) WithLabel(f func(label any)) {
	if r.Request != nil {
		r.Request.withLabel(r.generation, f)
	}
}

// go_log is called by the application's threads, without the GIL.
//
//export go_log
func go_log(kind C.int, index C.int64_t, generation C.uint64_t, level C.int, logger *C.char, loggerSize C.size_t,
	data *C.char, size C.size_t,
) {
	in := process.Load()
	record := Record{
		Kind: int(kind), Text: C.GoStringN(data, C.int(size)),
		Level: int(level), Logger: C.GoStringN(logger, C.int(loggerSize)),
	}
	if app := in.app.Load(); app != nil && index >= 0 {
		record.Request, record.generation = app.request(int(index)), uint64(generation)
	}
	defer func() {
		// A panic must not unwind into C: the record is lost, the request not.
		_ = recover()
	}()
	in.log(record)
}
