package embed

/*
#include <stdlib.h>
#include "start.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unsafe"

	python3 "github.com/go-python/cpy3"

	"github.com/gowsgi/gowsgi/gil"
)

// ErrUnresponsive: the GIL could not be had in time.
var ErrUnresponsive = errors.New("embed: no thread of the application lets go of the GIL")

// Modules lists the source files of all loaded modules but those in the
// standard library's folder, and after a load that failed also those that its
// traceback names: what has to change for the next load to go better. Of a
// package without __init__.py it is that file, so that its folder is known.
// Absolute, sorted. On the thread that started CPython, GIL held.
func (in *Interpreter) Modules() []string {
	var size C.size_t
	list := C.gowsgi_modules(&size)
	if list == nil {
		python3.PyErr_Clear()
		return sources("", in.failed)
	}
	defer C.free(unsafe.Pointer(list))
	return sources(C.GoStringN(list, C.int(size)), in.failed)
}

// Modules lists the source files of all modules that are loaded by now; see
// Interpreter.Modules. ErrUnresponsive if the GIL cannot be had for patience.
// From any goroutine.
func (a *Application) Modules(patience time.Duration) ([]string, error) {
	job := C.gowsgi_modules_new()
	if job == nil {
		return nil, errOutOfMemory
	}
	var files []string
	err := a.pool.Ask(unsafe.Pointer(job), patience, func() {
		files = sources(C.GoStringN(job.text, C.int(job.size)), nil)
	})
	if errors.Is(err, gil.ErrLate) {
		return nil, fmt.Errorf("%w: asked for %s", ErrUnresponsive, patience)
	}
	return files, nil // none once the pool is closed
}

// sources picks the files that a developer may edit. loaded are the __file__ of
// modules, os first, each with a NUL behind it.
func sources(loaded string, more []string) []string {
	os, rest, _ := strings.Cut(loaded, "\x00")
	library := filepath.Dir(os) + string(filepath.Separator)
	var files []string
	for _, file := range append(strings.Split(rest, "\x00"), more...) {
		if source, ok := strings.CutSuffix(file, ".pyc"); ok {
			file = source + ".py"
		}
		if file == "" || strings.HasPrefix(file, "<") || strings.HasSuffix(file, ".so") {
			continue
		}
		file, err := filepath.Abs(file)
		if err == nil && !strings.HasPrefix(file, library) {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// filesOf are the files that a load which failed has named: the target's own
// and those of the traceback.
func filesOf(err error) []string {
	var files []string
	var refused *LoadError
	if errors.As(err, &refused) && refused.file != "" {
		files = append(files, refused.file)
	}
	var raised *Error
	if errors.As(err, &raised) {
		files = append(files, raised.files...)
	}
	return slices.DeleteFunc(files, func(file string) bool {
		_, err := os.Stat(file)
		return err != nil
	})
}

// tracebackFiles are the files that an exception's traceback names, and those
// of the exceptions that led to it. GIL held; leaves no exception set.
func tracebackFiles(value, traceback *python3.PyObject) []string {
	defer python3.PyErr_Clear()
	var files []string
	for ; isSomething(traceback); traceback = borrowed(traceback, "tb_next") {
		files = append(files, path(attribute(traceback, "tb_frame", "f_code", "co_filename")))
	}
	const most = 100 // they may lead to each other in a circle
	for range most {
		if python3.PyErr_GivenExceptionMatches(value, python3.PyExc_SyntaxError) {
			files = append(files, path(attribute(value, "filename")))
		}
		next := borrowed(value, "__cause__")
		if !isSomething(next) {
			next = borrowed(value, "__context__")
		}
		if !isSomething(next) {
			break
		}
		value = next
		for t := borrowed(value, "__traceback__"); isSomething(t); t = borrowed(t, "tb_next") {
			files = append(files, path(attribute(t, "tb_frame", "f_code", "co_filename")))
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

func isSomething(object *python3.PyObject) bool { return object != nil && object != python3.Py_None }

// borrowed is an attribute that its object keeps alive.
func borrowed(object *python3.PyObject, name string) *python3.PyObject {
	value := attribute(object, name)
	if value != nil {
		value.DecRef()
	}
	return value
}

// attribute follows names from object; nil if one leads nowhere. A new
// reference.
func attribute(object *python3.PyObject, names ...string) *python3.PyObject {
	object.IncRef()
	for _, name := range names {
		next := object.GetAttrString(name)
		object.DecRef()
		if next == nil {
			python3.PyErr_Clear()
			return nil
		}
		object = next
	}
	return object
}
