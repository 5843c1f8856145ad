package python

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// asFinder makes the test binary find the Python that it holds, and say what is
// wrong; see obstacles_linux_test.go.
const asFinder = "GOWSGI_TEST_FIND"

func TestMain(m *testing.M) {
	if venv, ok := os.LookupEnv(asFinder); ok {
		runShort()
		_, err := Find(context.Background(), venv)
		fmt.Println(err)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// testPython is a real interpreter: that of the build, or the first on PATH.
func testPython(t *testing.T) string {
	t.Helper()
	name := os.Getenv("GOWSGI_TEST_PYTHON")
	if name == "" {
		name = "python3"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s on this machine", name)
	}
	return path
}

// virtualenv makes a real one, without pip.
func virtualenv(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "venv")
	if out, err := exec.Command(testPython(t), "-m", "venv", "--without-pip", folder).CombinedOutput(); err != nil {
		t.Skipf("this Python cannot make virtualenvs: %v\n%s", err, out)
	}
	return folder
}

// withPython makes a folder whose bin/python is a shell script.
func withPython(t *testing.T, script string) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "bin", "python"), "#!/bin/sh\n"+script+"\n")
	return folder
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// answers is a script that answers like a Python of this version would.
func answers(implementation, version, prefix string) string {
	var major, minor int
	fmt.Sscanf(version, "%d.%d", &major, &minor)
	return fmt.Sprintf(`echo 'gowsgi:{"implementation": "%s", "version": "%s", "version_info": [%d, %d],`+
		` "ldversion": "%d.%d", "prefix": "%s", "program": "%s/bin/python3", "c_library": "glibc 2.36"}'`,
		implementation, version, major, minor, major, minor, prefix, prefix)
}

func TestVirtualenvIsFoundByOptionEnvironmentOrPath(t *testing.T) {
	venv := virtualenv(t)
	t.Setenv("VIRTUAL_ENV", "/nonexistent")
	byOption, err := Find(t.Context(), venv)
	if err != nil {
		t.Fatal(err)
	}
	byFile, err := Find(t.Context(), filepath.Join(venv, "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("VIRTUAL_ENV", venv)
	byEnvironment, err := Find(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("VIRTUAL_ENV", "")
	t.Setenv("PATH", filepath.Join(venv, "bin"))
	byPath, err := Find(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if byOption.Prefix != venv || !strings.HasPrefix(byOption.Executable, venv) {
		t.Errorf("found %+v, want what is in %s", byOption, venv)
	}
	if byOption.From != "--venv" || byEnvironment.From != "$VIRTUAL_ENV" || byPath.From != "python3 on PATH" {
		t.Errorf("found by %q, %q, %q", byOption.From, byEnvironment.From, byPath.From)
	}
	byEnvironment.From, byPath.From = byOption.From, byOption.From
	byPath.Executable = byOption.Executable // python3 there, python here
	if byFile != byOption || byEnvironment != byOption || byPath != byOption {
		t.Errorf("different answers: %+v, %+v, %+v, %+v", byOption, byFile, byEnvironment, byPath)
	}
	if !strings.HasPrefix(byOption.Version, strings.TrimSuffix(byOption.Name, "t")+".") {
		t.Errorf("version %s is not of %s", byOption.Version, byOption.Name)
	}
}

func TestRelativeVirtualenvIsThatOfTheCurrentFolder(t *testing.T) {
	venv := virtualenv(t)
	t.Chdir(filepath.Dir(venv))
	if found, err := Find(t.Context(), "venv"); err != nil || found.Prefix != venv {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestSurroundingsOfTheUserDoNotChangeTheAnswer(t *testing.T) {
	venv := virtualenv(t)
	want, err := Find(t.Context(), venv)
	if err != nil {
		t.Fatal(err)
	}
	trap := t.TempDir()
	for _, name := range []string{"json.py", "sysconfig.py", "platform.py", "sitecustomize.py"} {
		write(t, filepath.Join(trap, name), "raise SystemExit('wrong module')\n")
	}
	site, _ := filepath.Glob(filepath.Join(venv, "lib", "python*", "site-packages"))
	write(t, filepath.Join(site[0], "noisy.pth"), "import sys; sys.stdout.write('gowsgi: no JSON')\n")
	t.Chdir(trap)
	t.Setenv("PYTHONPATH", trap)
	t.Setenv("PYTHONHOME", "/nonexistent")
	t.Setenv("PYTHONINSPECT", "1")
	if got, err := Find(t.Context(), venv); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestShimOfAVersionManagerLeadsToTheRealPython(t *testing.T) {
	python := testPython(t)
	want, err := Find(t.Context(), python)
	if err != nil {
		t.Fatal(err)
	}
	shims := withPython(t, `exec "`+want.Executable+`" "$@"`)
	if err := os.Rename(filepath.Join(shims, "bin", "python"), filepath.Join(shims, "bin", "python3")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VIRTUAL_ENV", "")
	t.Setenv("PATH", filepath.Join(shims, "bin")+":/usr/bin:/bin")
	want.From = "python3 on PATH"
	if real, err := filepath.EvalSymlinks(want.Executable); err != nil || want.Program != real {
		t.Errorf("the program is %s, not %s: %v", want.Program, real, err)
	}
	if got, err := Find(t.Context(), ""); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestWhatIsNoUsablePythonIsNamedWithTheWayOut(t *testing.T) {
	empty, missing := t.TempDir(), filepath.Join(t.TempDir(), "venv")
	dangling := t.TempDir()
	if err := os.Mkdir(filepath.Join(dangling, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nonexistent/python3.9", filepath.Join(dangling, "bin", "python")); err != nil {
		t.Fatal(err)
	}
	circle := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(circle, "bin"), 0o755), os.Symlink("python", filepath.Join(circle, "bin", "python"))); err != nil {
		t.Fatal(err)
	}
	broken := withPython(t, "echo 'error while loading shared libraries: libpython3.11.so.1.0' >&2; exit 127")
	noBinary := t.TempDir()
	write(t, filepath.Join(noBinary, "bin", "python"), "not a program")
	plain := filepath.Join(empty, "notes.txt")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, venv string
		says       []string
	}{
		{"no such folder", missing, []string{"--venv " + missing, "does not exist", "python3 -m venv " + missing}},
		{"not a virtualenv", empty, []string{empty, "no bin/python", "python3 -m venv"}},
		{"interpreter gone", dangling, []string{dangling, "points to /nonexistent/python3.9, which is gone", "--clear " + dangling}},
		{"interpreter broken", broken, []string{broken, "does not run (exit status 127: error while loading shared libraries: libpython3.11.so.1.0)", "--clear"}},
		{"not a program", noBinary, []string{"exec format error"}},
		{"not executable", plain, []string{plain, "may not be run by user", "make " + plain + " executable", "name another virtualenv or interpreter"}},
		{"something else", withPython(t, "echo hello"), []string{"is no Python", "name another"}},
		{"another implementation", withPython(t, answers("PyPy", "3.10.1", "/opt/pypy")), []string{"is PyPy", "embeds CPython", "name another"}},
		{"out of memory", withPython(t, "echo 'OSError: [Errno 12] Cannot allocate memory' >&2; exit 1"), []string{"the memory is not enough"}},
		{"killed", withPython(t, "kill -9 $$"), []string{"signal: killed", "the memory is not enough"}},
		{"links in a circle", circle, []string{circle, "which is gone", "--clear " + circle}},
		{"too old", withPython(t, answers("CPython", "3.9.18", "/opt")), []string{"CPython 3.9.18", "3.10 or newer"}},
		{"far too old", withPython(t, answers("CPython", "2.7.18", "/opt")), []string{"CPython 2.7.18", "3.10 or newer"}},
		{"another C library", withPython(t, strings.Replace(answers("CPython", "3.11.7", "/usr"), "glibc 2.36", "", 1)), []string{"3.11.7 for another C library", "musl", "take a CPython for glibc"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := Find(t.Context(), c.venv)
			if err == nil {
				t.Fatalf("found %+v", found)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			// What may be healthy is not to be deleted.
			if strings.Contains(err.Error(), "--clear") && !strings.Contains(err.Error(), "gone") {
				t.Errorf("%q", err)
			}
		})
	}
}

func TestStaleVirtualEnvVariableIsBlamed(t *testing.T) {
	t.Setenv("VIRTUAL_ENV", "/nonexistent/venv")
	if _, err := Find(t.Context(), ""); err == nil || !strings.HasPrefix(err.Error(), "$VIRTUAL_ENV /nonexistent/venv does not exist") {
		t.Errorf("got %v", err)
	}
}

func TestNoPythonOnPathAsksForTheOption(t *testing.T) {
	t.Setenv("VIRTUAL_ENV", "")
	t.Setenv("PATH", t.TempDir())
	if _, err := Find(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "no python3 on PATH") {
		t.Errorf("got %v", err)
	}
}

func TestVirtualenvInAFolderThatIsNoUTF8(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "\xe9t\xe9 ü")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Skip(err) // not on this file system
	}
	venv := filepath.Join(folder, "venv")
	if err := os.Rename(virtualenv(t), venv); err != nil { // python -m venv refuses such a folder
		t.Fatal(err)
	}
	found, err := Find(t.Context(), venv)
	if err != nil || found.Prefix != venv || !strings.HasPrefix(found.Executable, venv+"/bin/") {
		t.Errorf("%+q, %v", found, err)
	}
}

func TestPartOfAVirtualenvLeadsToTheWhole(t *testing.T) {
	venv := withPython(t, "exit 3")
	write(t, filepath.Join(venv, "pyvenv.cfg"), "home = /usr/bin\n")
	write(t, filepath.Join(venv, "bin", "activate.fish"), "")
	for _, part := range []string{"bin", "bin/", "bin/activate.fish"} {
		path := venv + "/" + part
		if _, err := Find(t.Context(), path); err == nil || !strings.HasSuffix(err.Error(), ": name the whole, "+venv) {
			t.Errorf("%s: %v", part, err)
		}
	}
	if _, err := Find(t.Context(), filepath.Join(venv, "bin", "python")); err == nil || strings.Contains(err.Error(), "the whole") {
		t.Errorf("an interpreter: %v", err)
	}
}
