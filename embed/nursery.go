package embed

/*
#include "nursery.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// Inherited are the descriptors that gowsgi gave this process, in its order, if
// it was forked from a nursery: CPython has then been started, and the
// application loaded, before Go was (nursery.c).
func Inherited() (fds []int, forked bool) {
	var first *C.int
	count := int(C.gowsgi_nursery_inherited(&first))
	if count < 0 {
		return nil, false
	}
	// SAFETY: C says that so many are there, and they stay.
	for _, fd := range unsafe.Slice(first, count) {
		fds = append(fds, int(fd))
	}
	return fds, true
}

// adopt makes CPython as Start leaves it: it is there already.
func adopt() error {
	if failed, err := C.gowsgi_nursery_adopt(); failed != 0 {
		return fmt.Errorf("embed: go on with the CPython of the nursery: %w", err)
	}
	return nil
}
