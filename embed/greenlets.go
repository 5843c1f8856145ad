package embed

import (
	python3 "github.com/go-python/cpy3"
)

// sharesLocks tells whether threads can share the locks that an application
// makes. Those of eventlet, once it has put them in the place of threading's, fail
// where greenlets of two threads want one at the same time; logging alone is
// enough for that. gevent's find their way from thread to thread. GIL held.
func sharesLocks() bool {
	defer python3.PyErr_Clear()
	patcher := python3.PyDict_GetItemString(python3.PyImport_GetModuleDict(), "eventlet.patcher") // borrowed
	if patcher == nil {
		return true
	}
	name := python3.PyUnicode_FromString("thread")
	defer name.DecRef()
	patched := patcher.CallMethodArgs("is_monkey_patched", name)
	if patched == nil {
		return true
	}
	defer patched.DecRef()
	return patched.IsTrue() != 1
}
