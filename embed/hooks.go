package embed

/*
#include "hooks.h"
*/
import "C"

import (
	"errors"
	"fmt"
)

// startHooks does what the application wants done in each worker before that
// serves (gowsgi.on_worker_start). GIL held. A *LoadError says what one raised.
func startHooks() error {
	if C.gowsgi_hooks_start() == 0 {
		return nil
	}
	err := pythonError()
	var raised *Error
	if errors.As(err, &raised) {
		return &LoadError{Message: fmt.Sprintf("a function of gowsgi.on_worker_start raised %s", raised), Cause: raised}
	}
	return err
}
