package python

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/python/packed"
	"github.com/gowsgi/gowsgi/internal/scarcity"
)

// inside holds what make build put into workers/; all: lets an empty folder
// with its .gitignore compile.
//
//go:embed all:workers
var inside embed.FS

const (
	workersFolder = "workers"
	workerPrefix  = "gowsgi-worker-"
	workerSuffix  = ".gz"
)

// Workers are packed workers, one for each CPython X.Y.
type Workers struct {
	files fs.FS
}

// Inside are the workers that this program holds.
func Inside() Workers { return Workers{inside} }

// Names are the CPythons that there is a worker for, X.Y with a t if it is
// free-threaded, oldest first.
func (w Workers) Names() []string {
	entries, _ := fs.ReadDir(w.files, workersFolder) // no folder, no workers
	var names []string
	for _, entry := range entries {
		name, found := strings.CutPrefix(entry.Name(), workerPrefix)
		if name, packed := strings.CutSuffix(name, workerSuffix); found && packed {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, compareNames)
	return names
}

// compareNames puts 3.9 before 3.10 and 3.13 before 3.13t.
func compareNames(a, b string) int {
	number := func(name string) int {
		major, minor, _ := strings.Cut(strings.TrimSuffix(name, "t"), ".")
		x, _ := strconv.Atoi(major)
		y, _ := strconv.Atoi(minor)
		return x<<16 + y
	}
	return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b))
}

// Packed are the workers as they stand in this program.
func (w Workers) Packed() [][]byte {
	var all [][]byte
	for _, name := range w.Names() {
		if content, err := fs.ReadFile(w.files, path.Join(workersFolder, workerPrefix+name+workerSuffix)); err == nil {
			all = append(all, content)
		}
	}
	return all
}

// Executable is the worker for a CPython, in memory.
func (w Workers) Executable(python control.Python) ([]byte, error) {
	if err := w.Check(python); err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if _, err := w.copy(workerPrefix+python.Name, &content); err != nil {
		return nil, fmt.Errorf("%w: build or download this gowsgi again", err)
	}
	return content.Bytes(), nil
}

// Check tells whether there is a worker for an application's CPython; its
// error, one sentence, names that one and those there are.
func (w Workers) Check(python control.Python) error {
	names := w.Names()
	if slices.Contains(names, python.Name) {
		return nil
	}
	holds := "holds no worker at all"
	if len(names) > 0 {
		holds = "holds workers for CPython " + strings.Join(names, ", ") + " only"
	}
	build := append(slices.Clone(names), python.Name)
	slices.SortFunc(build, compareNames)
	return fmt.Errorf(`%s is CPython %s, and this gowsgi %s: build one for it with make build PYTHONS="python%s"`,
		python.Prefix, python.Name, holds, strings.Join(build, " python"))
}

// Open returns the worker for an application's CPython, ready to be started.
// It is unpacked into the user's cache unless it is there already.
func (w Workers) Open(python control.Python) (*Program, error) {
	if err := w.Check(python); err != nil {
		return nil, err
	}
	program, err := w.unpack(workerPrefix + python.Name)
	if err != nil {
		return nil, fmt.Errorf("the worker for CPython %s cannot be unpacked: %w", python.Name, err)
	}
	program.python = python.Program
	return program, nil
}

// OpenAs is Open for workers of another user; nil: of our own. He cannot enter
// our cache, so the worker is in memory, where everybody can run it and nobody
// change it.
func (w Workers) OpenAs(python control.Python, user *syscall.Credential) (*Program, error) {
	if user == nil {
		return w.Open(python)
	}
	if err := w.Check(python); err != nil {
		return nil, err
	}
	program, err := w.inMemory(workerPrefix + python.Name)
	switch {
	case errors.Is(err, packed.ErrDamaged):
		return nil, fmt.Errorf("%w: build or download this gowsgi again", err)
	case err != nil:
		if words := scarcity.Of(err); words != "" {
			return nil, fmt.Errorf("the worker for CPython %s cannot be unpacked: %s", python.Name, words)
		}
		return nil, fmt.Errorf("the worker for CPython %s cannot be unpacked for another user: %w: start gowsgi as that user, without --user", python.Name, err)
	}
	program.python, program.user = python.Program, user
	return program, nil
}
