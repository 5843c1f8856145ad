package http1

/*
#include "after.h"

#cgo noescape gowsgi_http1_after
#cgo nocallback gowsgi_http1_after
*/
import "C"

// The client's half of a request, and the server's: after.h says what each
// value means.
type (
	input  int
	output int
	step   int
)

const (
	inIdle     input = C.GOWSGI_IN_IDLE
	inHead     input = C.GOWSGI_IN_HEAD
	inContinue input = C.GOWSGI_IN_CONTINUE
	inBody     input = C.GOWSGI_IN_BODY
	inDone     input = C.GOWSGI_IN_DONE
	inBroken   input = C.GOWSGI_IN_BROKEN

	outIdle   output = C.GOWSGI_OUT_IDLE
	outHead   output = C.GOWSGI_OUT_HEAD
	outBody   output = C.GOWSGI_OUT_BODY
	outDone   output = C.GOWSGI_OUT_DONE
	outBroken output = C.GOWSGI_OUT_BROKEN

	stepWait   step = C.GOWSGI_AFTER_WAIT
	stepHead   step = C.GOWSGI_AFTER_HEAD
	stepDrain  step = C.GOWSGI_AFTER_DRAIN
	stepLinger step = C.GOWSGI_AFTER_LINGER
	stepClose  step = C.GOWSGI_AFTER_CLOSE
	stepReset  step = C.GOWSGI_AFTER_RESET
)

// situation is where a connection stands when a response has ended.
type situation struct {
	in        input
	out       output
	reuse     bool // nobody has said that this request is the last
	ahead     bool // bytes of the client behind the request are there
	pipelined bool // there were, at any time of this connection
	smallRest bool // of the body
}

// after decides how the connection goes on.
func after(s situation) step {
	c := C.gowsgi_situation{
		in: C.int(s.in), out: C.int(s.out), reuse: C.bool(s.reuse), ahead: C.bool(s.ahead),
		pipelined: C.bool(s.pipelined), small_rest: C.bool(s.smallRest),
	}
	return step(C.gowsgi_http1_after(&c))
}
