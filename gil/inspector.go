package gil

/*
#include "pool.h"

#cgo noescape gowsgi_pool_unresponsive
#cgo nocallback gowsgi_pool_unresponsive
*/
import "C"

import (
	"errors"
	"time"
	"unsafe"
)

// ErrLate: the inspector did not get the GIL in time.
var ErrLate = errors.New("gil: the GIL could not be had in time")

// Ask has the inspector run a job and waits for it, until it has been asking for
// the GIL for about patience: ErrLate then, ErrClosed once the pool is closed.
// read looks at what a job has brought. The job, C memory that gowsgi_job_new
// made, is the pool's and freed in any case. The caller does not hold the GIL.
func (p *Pool) Ask(job unsafe.Pointer, patience time.Duration, read func()) error {
	// SAFETY: by contract a gowsgi_job stands at the start of job.
	c := (*C.gowsgi_job)(job)
	switch C.gowsgi_pool_ask(p.c, c, C.int64_t(patience)) {
	case C.GOWSGI_LATE:
		return ErrLate
	case C.GOWSGI_GONE:
		return ErrClosed
	}
	defer C.gowsgi_job_free(c)
	read()
	return nil
}

// Unresponsive is for how long the inspector, which asks for the GIL once a
// second while tasks are inside, has been waiting for it; 0 if it is not. Cheap.
func (p *Pool) Unresponsive() time.Duration {
	return time.Duration(C.gowsgi_pool_unresponsive(p.c))
}
