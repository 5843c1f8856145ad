package python

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/scarcity"
)

// interpreter is where an answer to "which Python?" came from.
type interpreter struct {
	path   string // what is run
	from   string // how it was found, in a few words for the log
	origin string // how messages begin: "--venv DIR", "python3 on PATH, FILE"
	remedy string // how messages end, where another Python is the way out
	// broken is how they end where this one does not run. What may be healthy is
	// never to be deleted.
	broken string
}

// Find is FindAs with the interpreter run by ourselves, and looked for by --venv,
// $VIRTUAL_ENV and PATH alone.
func Find(ctx context.Context, venv string) (control.Python, error) {
	return FindAs(ctx, Where{Venv: venv}, nil, nil)
}

// FindAs returns the CPython that the application belongs to. It runs the
// interpreter once, as another user if there is one and with env over our own
// environment: root must not run what belongs to the user of the workers, since
// whoever can change the virtualenv would be root. Every error is one sentence
// for the user.
func FindAs(ctx context.Context, where Where, user *syscall.Credential, env []string) (control.Python, error) {
	found, err := locate(where)
	if err != nil {
		return control.Python{}, err
	}
	if where.Late != nil {
		late := time.AfterFunc(lateAfter, func() { where.Late(found.path, askTimeout-lateAfter) })
		defer late.Stop()
	}
	answer, err := ask(ctx, found, user, env)
	if err != nil {
		return control.Python{}, err
	}
	result, err := judge(found, answer)
	result.From = found.from
	return result, err
}

func locate(where Where) (interpreter, error) {
	for _, place := range where.places() {
		if place.venv != "" {
			found, err := inVirtualenv(place.option, place.venv)
			found.from = place.option
			return found, err
		}
	}
	path, err := exec.LookPath("python3")
	if err != nil {
		return interpreter{}, fmt.Errorf("there is no python3 on PATH: name the application's virtualenv with --venv")
	}
	const other = "name the application's virtualenv with --venv"
	return interpreter{path: path, from: "python3 on PATH", origin: "python3 on PATH, " + path + ",", remedy: other, broken: other}, nil
}

// inVirtualenv is the interpreter of a folder, or the file itself if venv is one.
func inVirtualenv(option, venv string) (interpreter, error) {
	venv, err := filepath.Abs(venv)
	if err != nil {
		return interpreter{}, fmt.Errorf("%s %s: %w", option, venv, err)
	}
	found := interpreter{path: venv, origin: option + " " + venv, remedy: "name another virtualenv or interpreter with --venv"}
	found.broken = found.remedy
	info, err := os.Stat(venv)
	switch {
	case isAbsent(err):
		return interpreter{}, fmt.Errorf("%s does not exist: name the application's virtualenv, or make one with python3 -m venv %s", found.origin, venv)
	case err != nil:
		return interpreter{}, found.unreachable(venv, err)
	case insideOf(venv, info) != "":
		return interpreter{}, fmt.Errorf("%s is a part of a virtualenv: name the whole, %s", found.origin, insideOf(venv, info))
	case !info.IsDir():
		return found, nil
	}
	again := "make it anew with python3 -m venv --clear " + venv
	found.broken = "if the Python that it was made with is gone, " + again
	for _, name := range []string{"python", "python3"} {
		found.path = filepath.Join(venv, "bin", name)
		_, err := os.Stat(found.path)
		if err == nil {
			return found, nil
		}
		if !isAbsent(err) && !errors.Is(err, unix.ELOOP) {
			return interpreter{}, found.unreachable(found.path, err)
		}
		if target, err := os.Readlink(found.path); err == nil {
			return interpreter{}, fmt.Errorf(
				"%s has a bin/%s that points to %s, which is gone: %s", found.origin, name, target, again)
		}
	}
	return interpreter{}, fmt.Errorf("%s is no virtualenv, it has no bin/python: make one with python3 -m venv %s", found.origin, venv)
}

// insideOf is the virtualenv of which somebody has named bin, or a script in there to
// be sourced; empty if that is not so.
func insideOf(path string, info fs.FileInfo) string {
	if !info.IsDir() {
		if !strings.HasPrefix(strings.ToLower(filepath.Base(path)), "activate") {
			return ""
		}
		path = filepath.Dir(path)
	}
	if folder := filepath.Dir(path); filepath.Base(path) == "bin" && isVirtualenv(folder) {
		return folder
	}
	return ""
}

// isAbsent tells that there is nothing at a path, from all other reasons why it
// cannot be seen.
func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) }

// unreachable says why nobody can tell what is at path.
func (i interpreter) unreachable(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return i.forbidden(path, nil)
	}
	if words := scarcity.Of(err); words != "" {
		return fmt.Errorf("%s cannot be looked at, %s", i.origin, words)
	}
	return fmt.Errorf("%s cannot be looked at: %w", i.origin, err)
}

// forbidden says what keeps the user, or us, from running what is at path.
func (i interpreter) forbidden(path string, user *syscall.Credential) error {
	if folder := blocked(path, user); folder != "" {
		return fmt.Errorf("%s may not be run by user %d: let that user enter %s, on the way to its Python, or %s", i.origin, number(user), folder, i.remedy)
	}
	return fmt.Errorf("%s may not be run by user %d: make %s executable for that user, where its file system is not mounted noexec, or %s",
		i.origin, number(user), path, i.remedy)
}
