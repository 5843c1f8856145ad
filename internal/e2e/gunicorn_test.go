package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestGunicornsCommandLineStarts(t *testing.T) {
	s := Start(t, Options{
		Target: "startup_app", Free: true,
		Args: []string{"-k", "gthread", "--preload", "--worker-tmp-dir", "/dev/shm", "--timeout", "60"},
		Env:  []string{"GUNICORN_CMD_ARGS=--bind 127.0.0.1:0 --workers 2 --worker-class sync --access-logfile - --access-logformat '%(m)s %(s)s'"},
	})
	s.Client(t).Get("/").Want(t, 200, "app only")
	if workers := s.WorkerPIDs(); len(workers) != 2 {
		t.Errorf("%d workers", len(workers))
	}
	s.WaitOut(t, "GET 200\n")
}

func TestWhatIsNotAsUnderGunicornIsLogged(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "gunicorn.conf.py"), "workers = 4\n")
	s := Start(t, Options{Target: "startup_app", Dir: folder, Args: []string{"--pythonpath", Testapps(), "-k", "sync", "-w", "2", "--log-config", "logging.ini"}})
	for _, want := range []string{
		"level=WARN msg=\"gunicorn.conf.py is here, which Gunicorn reads by itself and gowsgi does not",
		"level=WARN msg=\"each worker has 8 threads, where Gunicorn's have one",
		"level=WARN msg=\"--log-config logging.ini is Gunicorn's and does nothing here",
		"level=INFO msg=\"--worker-class sync is Gunicorn's and has no meaning here",
	} {
		if !strings.Contains(s.Log(), want) {
			t.Errorf("%s is not in\n%s", want, s.Log())
		}
	}
}

func TestGunicornsPythonFileIsRefusedWithAWayOut(t *testing.T) {
	result := Run(t, Options{Env: []string{"GUNICORN_CMD_ARGS=-c gunicorn.conf.py"}}, "startup_app")
	const want = "gowsgi: $GUNICORN_CMD_ARGS: --config: \"gunicorn.conf.py\" is Python, as Gunicorn has it; " +
		"write its settings to a TOML file (gowsgi --print-config shows one) and name that\n"
	if result.Status != 2 || result.Errors != want {
		t.Errorf("status %d: %q", result.Status, result.Errors)
	}
}
