package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Python is an interpreter that virtualenvs are made with.
type Python struct {
	Executable string // sys.executable
	Name       string // X.Y, with t if free-threaded
}

// defaultPython is the interpreter of every test that does not loop over several.
func defaultPython() string {
	if python := os.Getenv("GOWSGI_TEST_PYTHON"); python != "" {
		return python
	}
	return "python3"
}

// Pythons runs a test's body once per CPython that the suite was given.
func Pythons(t *testing.T, body func(t *testing.T, python Python)) {
	t.Helper()
	commands := strings.Fields(os.Getenv("GOWSGI_TEST_PYTHONS"))
	if len(commands) == 0 {
		commands = []string{defaultPython()}
	}
	for _, command := range commands {
		python := findPython(t, command)
		t.Run("python"+python.Name, func(t *testing.T) { body(t, python) })
	}
}

// findPython asks an interpreter what it is.
func findPython(t testing.TB, command string) Python {
	t.Helper()
	const question = `import sys, sysconfig
print(sys.executable)
print("%d.%d" % sys.version_info[:2] + ("t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""))`
	out, err := exec.Command(command, "-c", question).Output()
	if err != nil {
		t.Fatalf("interpreter %q (GOWSGI_TEST_PYTHON, GOWSGI_TEST_PYTHONS): %v", command, err)
	}
	executable, name, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return Python{Executable: executable, Name: name}
}

// Venv is a virtualenv with what testapps/<name>/requirements.txt asks for.
func Venv(t testing.TB, name string) string {
	t.Helper()
	return findPython(t, defaultPython()).Venv(t, name)
}

// PlainVenv is a virtualenv without any package, not even pip.
func PlainVenv(t testing.TB) string {
	t.Helper()
	return findPython(t, defaultPython()).PlainVenv(t)
}

// Venv is like the function of that name, for this interpreter.
func (p Python) Venv(t testing.TB, name string) string {
	t.Helper()
	requirements := Testapps(name, "requirements.txt")
	text, err := os.ReadFile(requirements)
	if err != nil {
		t.Fatalf("virtualenv for %s: %v", name, err)
	}
	return p.venv(t, name, text, func(folder string) {
		must(t, p.Executable, "-m", "venv", folder)
		install := []string{
			"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
			"--no-compile", "--prefer-binary", "--requirement", requirements,
		}
		interpreter := filepath.Join(folder, "bin", "python")
		// pip retries what it downloads, but not every way in which an index can fail.
		if out, err := exec.Command(interpreter, install...).CombinedOutput(); err != nil {
			t.Logf("pip failed, once more: %v\n%s", err, out)
			must(t, interpreter, install...)
		}
	})
}

// PlainVenv is like the function of that name, for this interpreter.
func (p Python) PlainVenv(t testing.TB) string {
	t.Helper()
	return p.venv(t, "plain", nil, func(folder string) {
		must(t, p.Executable, "-m", "venv", "--without-pip", folder)
	})
}

// venv returns the virtualenv's folder and fills it if nobody did before. The
// lock makes test processes that want the same one wait for the first of them.
func (p Python) venv(t testing.TB, name string, requirements []byte, fill func(folder string)) string {
	t.Helper()
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s", p.Executable, requirements)
	folder := filepath.Join(checkout(), "build", "venvs", fmt.Sprintf("%s-%s-%.4x", name, p.Name, hash.Sum(nil)))
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(folder+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close() // and with it the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lock %s: %v", lock.Name(), err)
	}
	complete := filepath.Join(folder, ".complete")
	if _, err := os.Stat(complete); err == nil {
		return folder
	}
	if err := os.RemoveAll(folder); err != nil { // left by a run that was cut off
		t.Fatal(err)
	}
	fill(folder)
	if err := os.WriteFile(complete, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

// must runs a command that has to succeed and returns what it printed.
func must(t testing.TB, name string, args ...string) string {
	t.Helper()
	return mustIn(t, "", nil, name, args...)
}

// mustIn is must in a folder, with additions to the environment.
func mustIn(t testing.TB, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
