package embed

import (
	_ "embed" // for callable.py
	"fmt"
	"strings"

	python3 "github.com/go-python/cpy3"
)

//go:embed callable.py
var callableSource string

// check tells why the object that target leads to cannot be the application; nil
// if it can, as far as can be seen. GIL held.
func (t target) check(spec string, object *python3.PyObject) error {
	if !python3.PyCallable_Check(object) {
		kind := text(object.Type().GetAttrString("__name__"))
		return &LoadError{Message: fmt.Sprintf("%s is not callable: it is of type %s, not a WSGI application", spec, kind)}
	}
	named := t.named()
	switch kind := kindOf(object); {
	case kind == "asgi":
		return &LoadError{Message: fmt.Sprintf("%s is an ASGI application, and gowsgi serves WSGI: %s", spec, t.instead())}
	case kind == "" || t.call != "": // what a factory has returned is no factory
		return nil
	case kind == "factory":
		return &LoadError{Message: fmt.Sprintf(
			`%s takes no environ and start_response, so it is what makes the application: write "%s()", in quotes for the shell`, spec, named)}
	default:
		return &LoadError{Message: fmt.Sprintf(
			`%s takes other arguments than environ and start_response: if it is what makes the application, write "%s(…)" with what it takes, in quotes for the shell`, spec, named)}
	}
}

// named is the target as it has to be written with its attribute.
func (t target) named() string {
	attr := t.attr
	if attr == "" {
		attr = defaults[0]
	}
	return t.module + t.file + ":" + attr
}

// instead is what to write for the WSGI side of an ASGI application.
func (t target) instead() string {
	if project, ok := strings.CutSuffix(t.module, ".asgi"); ok {
		return fmt.Sprintf("Django's is %s.wsgi:application", project)
	}
	return "name the WSGI application, wrap it in a2wsgi.ASGIMiddleware, or use a server for ASGI, such as Uvicorn"
}

// kindOf is what callable.py says of the object; "" if it has nothing to say, or
// fails.
func kindOf(object *python3.PyObject) string {
	defer python3.PyErr_Clear()
	scope := python3.PyDict_New()
	defer scope.DecRef()
	source := python3.PyUnicode_FromString(callableSource)
	defer source.DecRef()
	done, err := call("builtins", "exec", source, scope)
	if err != nil {
		return ""
	}
	done.DecRef()
	look := python3.PyDict_GetItemString(scope, "look") // borrowed
	return text(look.CallFunctionObjArgs(object))
}
