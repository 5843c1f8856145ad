package embed

/*
#include "start.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Measures are what Python knows of its memory.
type Measures struct {
	Blocks int64 // sys.getallocatedblocks()
	// Collections, of each generation of the garbage collector: runs, objects
	// freed, objects that could not be freed.
	Collections [][3]int64
}

// Measure asks Python. False: the GIL could not be had for patience. From any
// goroutine.
func (a *Application) Measure(patience time.Duration) (m Measures, ok bool) {
	job := C.gowsgi_measure_new()
	if job == nil {
		return m, false
	}
	err := a.pool.Ask(unsafe.Pointer(job), patience, func() {
		m.Blocks = int64(job.blocks)
		for _, of := range job.generations[:job.generation_count] {
			m.Collections = append(m.Collections, [3]int64{int64(of[0]), int64(of[1]), int64(of[2])})
		}
	})
	return m, err == nil
}
