package python

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/octets"
	"github.com/gowsgi/gowsgi/internal/scarcity"
)

// question is what the interpreter is asked to run.
//
//go:embed question.py
var question string

// askTimeout is generous: the first run on a cold disk or through a version
// manager's shim can take seconds.
const askTimeout = time.Minute

// lateAfter is when somebody may begin to wonder what gowsgi waits for.
const lateAfter = 5 * time.Second

// answer is the line that question prints, without its mark.
type answer struct {
	Executable     location `json:"executable"`
	Implementation string   `json:"implementation"`
	Version        string   `json:"version"`
	VersionInfo    [2]int   `json:"version_info"`
	LDVersion      string   `json:"ldversion"` // X.Y with ABI flags
	Prefix         location `json:"prefix"`
	Program        location `json:"program"`   // what runs when Executable is started
	CLibrary       string   `json:"c_library"` // "glibc 2.36"; empty if it is not GNU's
}

// location is a path as the interpreter tells it, which writes a character for each byte.
type location string

func (l *location) UnmarshalText(text []byte) error {
	*l = location(octets.FromRunes(string(text)))
	return nil
}

const mark = "gowsgi:"

func ask(ctx context.Context, found interpreter, user *syscall.Credential, env []string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, found.path, "-E", "-s", "-c", question)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if user != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
		cmd.Env = append(os.Environ(), env...)
	}
	cmd.WaitDelay = time.Second // for what the interpreter left running with our pipes
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return answer{}, fmt.Errorf("%s: %s did not answer within %v: see what it waits for, or %s", found.origin, found.path, askTimeout, found.remedy)
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case err != nil:
		return answer{}, found.refusal(err, stderr.String(), user)
	}
	// A .pth file may print whatever it likes before.
	for line := range strings.Lines(stdout.String()) {
		if text, ok := strings.CutPrefix(line, mark); ok {
			var a answer
			if err := json.Unmarshal([]byte(text), &a); err == nil {
				return a, nil
			}
		}
	}
	return answer{}, fmt.Errorf("%s: %s is no Python, it does not answer like one: %s", found.origin, found.path, found.remedy)
}

// refusal says why the interpreter does not run, and what to do.
func (i interpreter) refusal(err error, stderr string, user *syscall.Credential) error {
	var exit *exec.ExitError
	started := errors.As(err, &exit)
	switch {
	case !started && user != nil && errors.Is(err, unix.EPERM):
		return fmt.Errorf("%s cannot be run by user %d, gowsgi may not become that user: give it CAP_SETUID and CAP_SETGID, or start it as that user, without --user",
			i.origin, user.Uid)
	case !started && errors.Is(err, fs.ErrPermission):
		return i.forbidden(i.path, user)
	case !started && scarcity.Of(err) != "":
		return fmt.Errorf("%s cannot be run, %s", i.origin, scarcity.Of(err))
	case started && (outOfMemory(stderr) || exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL):
		return fmt.Errorf("%s does not run (%s), %s", i.origin, whyNot(err, stderr), scarcity.OfMemory())
	}
	if started { // it cannot see its own parts
		for _, folder := range i.parts() {
			if closed := blocked(filepath.Join(folder, "x"), user); closed != "" {
				return fmt.Errorf("%s does not run (%s): let user %d enter %s, where its Python has its modules, or %s",
					i.origin, whyNot(err, stderr), number(user), closed, i.remedy)
			}
		}
	}
	return fmt.Errorf("%s: %s does not run (%s): %s", i.origin, i.path, whyNot(err, stderr), i.broken)
}

// outOfMemory tells whether that is what a program died of, by its last words.
func outOfMemory(stderr string) bool {
	for _, words := range []string{"Cannot allocate memory", "failed to map segment", "MemoryError", "out of memory", "memory allocation failed"} {
		if strings.Contains(stderr, words) {
			return true
		}
	}
	return false
}

// parts are the folders that an interpreter reads at its start.
func (i interpreter) parts() []string {
	var folders []string
	real, err := filepath.EvalSymlinks(i.path)
	if err != nil {
		return nil
	}
	for _, bin := range []string{filepath.Dir(i.path), filepath.Dir(real)} {
		lib := filepath.Join(filepath.Dir(bin), "lib")
		versions, _ := filepath.Glob(filepath.Join(lib, "python3*")) // the pattern is good
		folders = append(append(folders, lib), versions...)
	}
	return folders
}

// whyNot is the cause in a few words: the last thing the interpreter said, or
// what the system says about it.
func whyNot(err error, stderr string) string {
	var cause *os.PathError
	if errors.As(err, &cause) {
		return cause.Err.Error()
	}
	if lines := strings.Split(strings.TrimSpace(stderr), "\n"); lines[0] != "" {
		return err.Error() + ": " + strings.TrimSpace(lines[len(lines)-1])
	}
	return err.Error()
}

// judge turns an answer into what a worker needs, or says why there is no way.
func judge(found interpreter, a answer) (control.Python, error) {
	xy := fmt.Sprintf("%d.%d", a.VersionInfo[0], a.VersionInfo[1])
	if a.Implementation != "CPython" {
		return control.Python{}, fmt.Errorf("%s is %s, and gowsgi embeds CPython: %s", found.origin, a.Implementation, found.remedy)
	}
	if a.VersionInfo[0] < 3 || a.VersionInfo[0] == 3 && a.VersionInfo[1] < 10 {
		return control.Python{}, fmt.Errorf(
			"%s is CPython %s, and gowsgi needs 3.10 or newer: make a virtualenv with a newer one and name it with --venv",
			found.origin, a.Version)
	}
	name := strings.ReplaceAll(a.LDVersion, "d", "")
	if name == "" {
		name = xy
	}
	if runtime.GOOS == "linux" && a.CLibrary == "" {
		return control.Python{}, fmt.Errorf("%s is a CPython %s for another C library than glibc (musl, as in Alpine), which gowsgi's workers need: "+
			"take a CPython for glibc, such as that of Debian or Fedora", found.origin, a.Version)
	}
	if a.Executable == "" {
		a.Executable = location(found.path)
	}
	return control.Python{
		Executable: string(a.Executable), Name: name, Version: a.Version, Prefix: string(a.Prefix), Program: string(a.Program),
	}, nil
}
