package embed

/*
#include <stdlib.h>
#include "start.h"
*/
import "C"

import (
	"strings"
	"unsafe"

	python3 "github.com/go-python/cpy3"

	"github.com/gowsgi/gowsgi/internal/load"
)

// DjangoFiles are the static files of a Django site, as its settings have them: the
// path of STATIC_URL, and STATIC_ROOT.
type DjangoFiles struct{ Path, Folder string }

// FilesError says why there are none.
type FilesError struct{ error }

func (e *FilesError) Unwrap() error { return e.error }

// djangoFiles asks the settings; mount is the path that the application is below.
// A *FilesError says why there are none. GIL held, the application loaded.
func djangoFiles(mount string) (files DjangoFiles, err error) {
	source, function, argument := C.CString(load.Django()), C.CString("static_files"), C.CString(mount)
	defer C.free(unsafe.Pointer(source))
	defer C.free(unsafe.Pointer(function))
	defer C.free(unsafe.Pointer(argument))
	// SAFETY: cpy3's PyObject is C's; only the Go packages differ.
	answer := (*python3.PyObject)(unsafe.Pointer(C.gowsgi_ask(source, function, argument)))
	if answer == nil {
		return files, &FilesError{refusal()}
	}
	files.Path, files.Folder, _ = strings.Cut(path(answer), "\n")
	return files, nil
}
