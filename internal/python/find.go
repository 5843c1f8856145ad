package python

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/control"
)

// interpreter is where an answer to "which Python?" came from.
type interpreter struct {
	path   string // what is run
	origin string // how messages begin: "--venv DIR", "python3 on PATH, FILE"
	remedy string // how messages end, where another Python is the way out
}

// Find returns the CPython that the application belongs to: venv, a virtualenv
// or the path of an interpreter, or if that is empty $VIRTUAL_ENV, or the first
// python3 on PATH. It runs the interpreter once. Every error is one sentence
// for the user.
func Find(ctx context.Context, venv string) (control.Python, error) {
	return FindAs(ctx, venv, nil, nil)
}

// FindAs is Find with the interpreter run by another user and with env over our
// own environment. Root must not run what belongs to the user of the workers:
// whoever can change the virtualenv would be root.
func FindAs(ctx context.Context, venv string, user *syscall.Credential, env []string) (control.Python, error) {
	found, err := locate(venv)
	if err != nil {
		return control.Python{}, err
	}
	answer, err := ask(ctx, found, user, env)
	if err != nil {
		return control.Python{}, err
	}
	return judge(found, answer)
}

func locate(venv string) (interpreter, error) {
	option := "--venv"
	if venv == "" {
		option, venv = "$VIRTUAL_ENV", os.Getenv("VIRTUAL_ENV")
	}
	if venv != "" {
		return inVirtualenv(option, venv)
	}
	path, err := exec.LookPath("python3")
	if err != nil {
		return interpreter{}, fmt.Errorf("there is no python3 on PATH: name the application's virtualenv with --venv")
	}
	return interpreter{
		path:   path,
		origin: "python3 on PATH, " + path + ",",
		remedy: "name the application's virtualenv with --venv",
	}, nil
}

// inVirtualenv is the interpreter of a folder, or the file itself if venv is one.
func inVirtualenv(option, venv string) (interpreter, error) {
	venv, err := filepath.Abs(venv)
	if err != nil {
		return interpreter{}, fmt.Errorf("%s %s: %w", option, venv, err)
	}
	origin := option + " " + venv
	info, err := os.Stat(venv)
	switch {
	case os.IsNotExist(err):
		return interpreter{}, fmt.Errorf("%s does not exist: name the application's virtualenv, or make one with python3 -m venv %s", origin, venv)
	case err != nil:
		return interpreter{}, fmt.Errorf("%s cannot be read: %w", origin, err)
	case !info.IsDir():
		return interpreter{path: venv, origin: origin, remedy: "name another interpreter or a virtualenv"}, nil
	}
	again := "make it anew with python3 -m venv --clear " + venv
	for _, name := range []string{"python", "python3"} {
		path := filepath.Join(venv, "bin", name)
		if _, err := os.Stat(path); err == nil {
			return interpreter{path: path, origin: origin, remedy: again}, nil
		}
		if target, err := os.Readlink(path); err == nil {
			return interpreter{}, fmt.Errorf(
				"%s has a bin/%s that points to %s, which is gone: %s", origin, name, target, again)
		}
	}
	return interpreter{}, fmt.Errorf("%s is no virtualenv, it has no bin/python: make one with python3 -m venv %s", origin, venv)
}
