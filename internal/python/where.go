package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Where says where an application's CPython is looked for, in this order.
type Where struct {
	Venv    string // --venv: a virtualenv, or the path of an interpreter
	Program string // gowsgi as it was called, os.Args[0]: pip install puts it into the virtualenv
	// then $VIRTUAL_ENV
	Folder string // of the application, which may have a .venv in it; "": none is looked for
	// then the first python3 on PATH

	// Late is called, once, if the interpreter has not answered for some seconds: its
	// path, and how long it is waited for yet. nil: nobody wants to know.
	Late func(interpreter string, patience time.Duration)
}

type place struct{ option, venv string }

func (w Where) places() []place {
	return []place{
		{"--venv", w.Venv},
		{"gowsgi's own virtualenv", virtualenvOf(w.Program)},
		{"$VIRTUAL_ENV", os.Getenv("VIRTUAL_ENV")},
		{"the folder's virtualenv", onlyVirtualenv(w.Folder)},
	}
}

// virtualenvOf is the virtualenv that has a program in its bin; empty if none
// has. A link to the program does not count: pipx and the like keep it in a
// virtualenv that has nothing but gowsgi, and link to it from elsewhere.
func virtualenvOf(program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		return ""
	}
	path, err = filepath.Abs(path)
	if err != nil || filepath.Base(filepath.Dir(path)) != "bin" {
		return ""
	}
	if folder := filepath.Dir(filepath.Dir(path)); isVirtualenv(folder) {
		return folder
	}
	return ""
}

// onlyVirtualenv is the .venv in a folder, unless there are others beside it:
// which one is meant is then for the user to say.
func onlyVirtualenv(folder string) string {
	if folder == "" {
		return ""
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return ""
	}
	for _, entry := range entries {
		if entry.Name() != ".venv" && isVirtualenv(filepath.Join(folder, entry.Name())) {
			return ""
		}
	}
	if wanted := filepath.Join(folder, ".venv"); isVirtualenv(wanted) {
		return wanted
	}
	return ""
}

func isVirtualenv(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "pyvenv.cfg"))
	return err == nil
}
