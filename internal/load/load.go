// Package load is how WSGI applications are found: as Python text, since it is
// run where there is no Go (a nursery) as well as where there is.
//
//	load.py      what a target names, and what is wrong with it
//	callable.py  tells what can be called, and is no WSGI application all the same
//	django.py    where the static files of a Django site are
//	several.py   several targets, and what cannot live in one interpreter
package load

import (
	_ "embed"
	"strings"
)

//go:embed callable.py
var callable string

//go:embed load.py
var loading string

//go:embed several.py
var several string

//go:embed django.py
var django string

// Django is Python text that defines static_files(mount), and Refused as Source does.
func Django() string { return django }

// Source is Python text, to be run as a module that has the name of its file. It
// defines Function, and Refused, which it raises.
func Source() string { return callable + loading + several }

// Function takes what Join returns, and returns a tuple of applications.
const Function = "load_all"

// Refused is that exception's name: its text is one sentence for the operator,
// its __cause__ what the application raised, if it did, and its file that of the
// target, if it names one.
const Refused = "Refused"

// Target is an application to load.
type Target struct {
	Mount string // what it is called in messages; empty where it needs no name
	Spec  string // module:callable, module:make() or a .py or .wsgi file
}

// Join is targets as one text: what separates them is in no setting.
func Join(targets []Target) string {
	texts := make([]string, len(targets))
	for i, t := range targets {
		texts[i] = t.Mount + "\x1f" + t.Spec
	}
	return strings.Join(texts, "\x1e")
}
