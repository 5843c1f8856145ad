package embed

/*
#include <stdlib.h>
#include "start.h"
*/
import "C"

import (
	"cmp"
	"errors"
	"unsafe"

	python3 "github.com/go-python/cpy3"

	"github.com/gowsgi/gowsgi/internal/load"
)

// LoadError says why a target could not be loaded: one sentence for the
// operator, and what Python raised, if it did.
type LoadError struct {
	Message string
	Cause   *Error // nil if no exception was the reason

	file string // of the target, if it names one
}

func (e *LoadError) Error() string { return e.Message }

// Unwrap gives errors.As the Python exception.
func (e *LoadError) Unwrap() error {
	if e.Cause == nil {
		return nil
	}
	return e.Cause
}

// loadAll returns the applications of targets as a tuple, a new reference: those that a
// nursery has loaded for all workers, or those that package load finds. GIL held,
// on Python's main thread.
func (in *Interpreter) loadAll(targets []load.Target) (*python3.PyObject, error) {
	// SAFETY: cpy3's PyObject is C's; only the Go packages differ.
	if loaded := (*python3.PyObject)(unsafe.Pointer(C.gowsgi_nursery_applications())); loaded != nil {
		return loaded, nil
	}
	text, function, all := C.CString(load.Source()), C.CString(load.Function), C.CString(load.Join(targets))
	defer C.free(unsafe.Pointer(text))
	defer C.free(unsafe.Pointer(function))
	defer C.free(unsafe.Pointer(all))
	// SAFETY: as above.
	loaded := (*python3.PyObject)(unsafe.Pointer(C.gowsgi_load(text, function, all)))
	if loaded == nil {
		return nil, refusal()
	}
	return loaded, nil
}

// refusal turns the set exception, which is what package load raises, into a
// LoadError, and clears it. GIL held.
func refusal() error {
	kind, value, traceback := python3.PyErr_Fetch()
	kind, value, traceback = python3.PyErr_NormalizeException(kind, value, traceback)
	if text(kind.GetAttrString("__name__")) != load.Refused {
		python3.PyErr_Restore(kind, value, traceback)
		return pythonError()
	}
	// It may name a path that is no UTF-8.
	refused := &LoadError{Message: cmp.Or(path(value.Str()), text(value.Str())), file: path(attribute(value, "file"))}
	if cause := borrowed(value, "__cause__"); isSomething(cause) {
		python3.PyErr_SetObject(cause.Type(), cause)
		_ = errors.As(pythonError(), &refused.Cause)
	}
	for _, object := range []*python3.PyObject{kind, value, traceback} {
		if object != nil {
			object.DecRef()
		}
	}
	return refused
}
