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
	// Of what Python's logging wrote, through whatever stream: the level as it
	// counts them (30 is WARNING), and the logger ("django.request"). Logger is
	// empty if somebody else did.
	Level  int
	Logger string
	// Of a Logged record.
	Traceback string
	Extra     string // what extra= added, as a JSON object; "" for nothing

	generation uint64 // of Request
}

// WithLabel calls f with the label of the record's request, unless there is none or
// it has been released: false. It is not released meanwhile, so f must be quick.
func (r Record) WithLabel(f func(label any)) bool {
	return r.Request != nil && r.Request.withLabel(r.generation, f)
}

// Describe is the record's request, as its environ has it.
func (r Record) Describe() (d Description, ok bool) {
	if r.Request == nil {
		return d, false
	}
	return r.Request.Describe(r.generation)
}

// ChildOutput makes what the application says in a forked child, where Go does not
// run, go where fd goes, which is duplicated: objects in JSON, or lines as they are.
// Standard error until then. At any time.
func ChildOutput(fd uintptr, json bool) error {
	if failed, err := C.gowsgi_child_output(C.int(fd), truth(json)); failed != 0 {
		return fmt.Errorf("embed: send what forked children say to descriptor %d: %w", fd, err)
	}
	return nil
}

// go_log is called by the application's threads, without the GIL.
//
//export go_log
func go_log(r *C.wsgi_record, index C.int64_t) {
	in := process.Load()
	record := Record{
		Kind: int(r.kind), Text: C.GoStringN(r.text, C.int(r.size)),
		Level: int(r.level), Logger: C.GoStringN(r.logger, C.int(r.logger_size)),
		Traceback: C.GoStringN(r.traceback, C.int(r.traceback_size)), Extra: C.GoStringN(r.extra, C.int(r.extra_size)),
	}
	if app := in.app.Load(); app != nil && index >= 0 {
		record.Request, record.generation = app.Request(int(index)), uint64(r.generation)
	}
	defer func() {
		// A panic must not unwind into C: the record is lost, the request not.
		_ = recover()
	}()
	in.log(record)
}
