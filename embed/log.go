package embed

/*
#include <stddef.h>
#include "wsgi.h"
*/
import "C"

// Kinds of Record.
const (
	ErrorStream   = C.WSGI_LOG_ERRORS // the application wrote to wsgi.errors
	SignalIgnored = C.WSGI_LOG_SIGNAL // it called signal.signal; Text has the stack
)

// Record is something of the application's for the log.
type Record struct {
	Kind    int
	Request *Request // nil: none in particular
	Text    string
}

// go_log is called by the application's threads, without the GIL.
//
//export go_log
func go_log(kind C.int, index C.int64_t, data *C.char, size C.size_t) {
	in := process.Load()
	record := Record{Kind: int(kind), Text: C.GoStringN(data, C.int(size))}
	if app := in.app.Load(); app != nil && index >= 0 {
		record.Request = app.request(int(index))
	}
	defer func() {
		// A panic must not unwind into C: the record is lost, the request not.
		_ = recover()
	}()
	in.log(record)
}
