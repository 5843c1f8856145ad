package e2e

import "testing"

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

func TestGunicornsPythonFileIsRefusedWithAWayOut(t *testing.T) {
	result := Run(t, Options{Env: []string{"GUNICORN_CMD_ARGS=-c gunicorn.conf.py"}}, "startup_app")
	const want = "gowsgi: $GUNICORN_CMD_ARGS: --config: \"gunicorn.conf.py\" is Python, as Gunicorn has it; " +
		"write its settings to a TOML file (gowsgi --print-config shows one) and name that\n"
	if result.Status != 2 || result.Errors != want {
		t.Errorf("status %d: %q", result.Status, result.Errors)
	}
}
