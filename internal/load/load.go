// Package load is how a WSGI application is found: as Python text, since it is
// run where there is no Go (a nursery) as well as where there is.
//
//	load.py      what a target names, and what is wrong with it
//	callable.py  tells what can be called, and is no WSGI application all the same
//	django.py    where the static files of a Django site are
package load

import _ "embed"

//go:embed callable.py
var callable string

//go:embed load.py
var loading string

//go:embed django.py
var django string

// Django is Python text that defines static_files(mount), and Refused as Source does.
func Django() string { return django }

// Source is Python text, to be run as a module that has the name of its file. It
// defines load(spec), which returns the application, and Refused, which it raises.
func Source() string { return callable + loading }

// Refused is that exception's name: its text is one sentence for the operator,
// its __cause__ what the application raised, if it did, and its file that of the
// target, if it names one.
const Refused = "Refused"
