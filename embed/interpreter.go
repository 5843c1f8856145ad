package embed

/*
#cgo pkg-config: python3
#cgo CFLAGS: -std=gnu11 -Wall -Wextra -Wno-unused-parameter
#include <stdlib.h>
#include "hooks.h"
#include "start.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"unsafe"

	python3 "github.com/go-python/cpy3"
)

// Interpreter is CPython in this process.
type Interpreter struct {
	log func(Record)
	app atomic.Pointer[Application] // nil until Serve

	running atomic.Bool // CPython is there

	failed []string // files that a load which failed has named
}

// process is the one interpreter that a process can have, for good: what
// Python calls (log.go) has no other way to find its Go side.
var process atomic.Pointer[Interpreter]

// Start starts CPython as executable, the python of a virtualenv, would run
// it, puts path in front of sys.path, and holds the GIL afterwards.
//
// The calling goroutine must be locked to its thread, best the process's first
// one: it is Python's main thread from now on, and Serve and Stop must be called
// there too. log gets what the application writes to wsgi.errors and the like,
// from any thread.
func Start(executable string, path []string, log func(Record)) (*Interpreter, error) {
	in := &Interpreter{log: log}
	if !process.CompareAndSwap(nil, in) {
		return nil, errors.New("embed: CPython was already started in this process")
	}
	if _, forked := Inherited(); forked {
		in.running.Store(true)
		return in, adopt()
	}
	name := C.CString(executable)
	defer C.free(unsafe.Pointer(name))
	if reason := C.gowsgi_start(name); reason != nil {
		defer C.free(unsafe.Pointer(reason))
		// An exception comes with its traceback, which ends with what it is.
		lines := strings.Split(strings.TrimSpace(C.GoString(reason)), "\n")
		return nil, fmt.Errorf("embed: start CPython as %s: %s", executable, lines[len(lines)-1])
	}
	in.running.Store(true)
	for i := len(path) - 1; i >= 0; i-- {
		entry := pathText(path[i])
		failed := entry == nil || python3.PyList_Insert(python3.PySys_GetObject("path"), 0, entry) != 0
		entry.DecRef()
		if failed {
			return nil, fmt.Errorf("embed: add %q to sys.path: %w", path[i], pythonError())
		}
	}
	return in, nil
}

// CaptureOutput makes sys.stdout and sys.stderr, and the logging of applications
// that do not configure it, write Records. Before Serve, on the thread that
// started CPython, GIL held.
func (in *Interpreter) CaptureOutput() error {
	if _, forked := Inherited(); forked {
		return nil // it is
	}
	if C.gowsgi_capture_output() != 0 {
		return fmt.Errorf("embed: capture sys.stdout and sys.stderr: %w", pythonError())
	}
	return nil
}

// Stop calls the application's on_worker_stop hooks, waits for the application's non-daemon threads, runs its atexit handlers
// and finalises CPython. Close the pool first.
func (in *Interpreter) Stop() error {
	C.gowsgi_attach()
	C.gowsgi_hooks_stop()
	if python3.Py_FinalizeEx() != 0 {
		return errors.New("embed: CPython could not write out its standard streams")
	}
	return nil
}

// Error is an exception that Python raised.
type Error struct {
	Type      string // "ModuleNotFoundError"
	Message   string // str() of it
	Traceback string // as Python prints it, the exception included
	Name      string // of a ModuleNotFoundError: the module that is missing

	files []string // that the traceback names
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Type
	}
	return e.Type + ": " + e.Message
}

// pythonError turns the set exception into an Error and clears it. GIL held.
func pythonError() error {
	kind, value, traceback := python3.PyErr_Fetch()
	if kind == nil {
		return errors.New("embed: Python failed without an exception")
	}
	kind, value, traceback = python3.PyErr_NormalizeException(kind, value, traceback)
	e := &Error{Type: text(kind.GetAttrString("__name__")), Message: text(value.Str())}
	if value.HasAttrString("name") {
		e.Name = text(value.GetAttrString("name"))
	}
	python3.PyErr_Clear()
	e.files = tracebackFiles(value, traceback)
	python3.PyErr_Restore(kind, value, traceback)
	var size C.size_t
	if s := C.gowsgi_error_text(&size); s != nil {
		e.Traceback = C.GoStringN(s, C.int(size))
		C.free(unsafe.Pointer(s))
	}
	return e
}

// pathText is a path as Python has it: bytes that are no text in the file system's
// encoding are kept as surrogates (PEP 383). nil if memory is short. A new reference.
func pathText(path string) *python3.PyObject {
	bytes := python3.PyBytes_FromString(path)
	defer bytes.DecRef()
	decoded, err := call("os", "fsdecode", bytes)
	if err != nil {
		return nil
	}
	return decoded
}

// path takes over a str object that names a file and returns the bytes that it has
// on the disk; "" for anything else. Leaves no exception set.
func path(s *python3.PyObject) string {
	defer python3.PyErr_Clear()
	if s == nil {
		return ""
	}
	defer s.DecRef()
	bytes, err := call("os", "fsencode", s)
	if err != nil {
		return ""
	}
	defer bytes.DecRef()
	return python3.PyBytes_AsString(bytes)
}

// text takes over a str object and returns what it says, for messages; "" for
// anything else. Leaves no exception set.
func text(s *python3.PyObject) string {
	defer python3.PyErr_Clear()
	if s == nil {
		return ""
	}
	defer s.DecRef()
	var size C.size_t
	// SAFETY: cpy3's PyObject is C's; only the Go packages differ.
	said := C.gowsgi_text((*C.PyObject)(unsafe.Pointer(s)), &size)
	if said == nil {
		return ""
	}
	defer C.free(unsafe.Pointer(said))
	return C.GoStringN(said, C.int(size))
}

// call calls a function of a module of the standard library.
func call(module, function string, args ...*python3.PyObject) (*python3.PyObject, error) {
	m := python3.PyImport_ImportModule(module)
	if m == nil {
		return nil, pythonError()
	}
	defer m.DecRef()
	result := m.CallMethodArgs(function, args...)
	if result == nil {
		return nil, pythonError()
	}
	return result, nil
}
