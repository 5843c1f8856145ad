package embed_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/load"
)

// failedLoad is what TestMain's first attempt to load an application gave.
var failedLoad struct {
	err, odd      error
	file, culprit string
	modules       []string
}

// failToLoad loads an application that imports a module which is no Python. On
// Python's main thread.
func failToLoad(interpreter *embed.Interpreter) {
	folder, err := os.MkdirTemp("", "gowsgi-test-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	failedLoad.file, failedLoad.culprit = filepath.Join(folder, "broken.py"), filepath.Join(folder, "broken_part.py")
	for path, text := range map[string]string{
		failedLoad.file:    "try:\n    import broken_part\nexcept SyntaxError as e:\n    raise RuntimeError('no part') from e\n",
		failedLoad.culprit: "def application(environ, start_response)\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
	odd := filepath.Join(folder, "odd.py")
	if err := os.WriteFile(odd, []byte("raise RuntimeError('odd: \\udcff')\n"), 0o600); err != nil {
		panic(err)
	}
	_, failedLoad.odd = interpreter.Serve([]load.Target{{Spec: odd}}, embed.Serving{Threads: 2, Workers: 1})
	_, failedLoad.err = interpreter.Serve([]load.Target{{Spec: failedLoad.file}}, embed.Serving{Threads: 2, Workers: 1})
	failedLoad.modules = interpreter.Modules()
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestModulesAreTheApplicationsOwn(t *testing.T) {
	files, err := app.Modules(deadline)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"testdata/app.py", "testdata/stuck.py", "testdata/talk.py"} {
		if !slices.Contains(files, absolute(t, path)) {
			t.Errorf("%s is not in %v", path, files)
		}
	}
	for _, path := range files {
		if filepath.Base(path) == "threading.py" || !filepath.IsAbs(path) || strings.HasSuffix(path, ".so") {
			t.Errorf("%s is there", path)
		}
	}
}

func TestModulesOfALoadThatFailedNameTheCulprit(t *testing.T) {
	var failed *embed.LoadError
	if !errors.As(failedLoad.err, &failed) || failed.Cause == nil || failed.Cause.Type != "RuntimeError" {
		t.Fatalf("loading: %v", failedLoad.err)
	}
	for _, path := range []string{failedLoad.file, failedLoad.culprit} {
		if !slices.Contains(failedLoad.modules, path) {
			t.Errorf("%s is not in %v", path, failedLoad.modules)
		}
	}
}

func TestModulesNeedTheGIL(t *testing.T) {
	_, release := pipe(t, "/hog")
	eventually(t, "the GIL is missed", func() bool { return app.Unresponsive() > 10*time.Millisecond })
	if _, err := app.Modules(20 * time.Millisecond); !errors.Is(err, embed.ErrUnresponsive) {
		t.Errorf("%v", err)
	}
	release()
	eventually(t, "the GIL is back", responsive)
}

func responsive() bool { return app.Unresponsive() == 0 }

// What cannot be encoded does not take the rest of a message with it.
func TestErrorsSayWhatCannotBeEncoded(t *testing.T) {
	var raised *embed.Error
	if !errors.As(failedLoad.odd, &raised) || raised.Message != `odd: \udcff` {
		t.Errorf("%+v", failedLoad.odd)
	}
}
