package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/identity"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/nursery"
)

// The test binary is three programs: the tests; with runSettings in its
// environment a gowsgi without Python, that is Run and nothing else; and,
// started by that one, a worker without Python (worker_test.go). So signals,
// sockets and exit statuses in these tests are real.
const (
	runSettings = "GOWSGI_TEST_SETTINGS" // JSON
	runWorker   = "GOWSGI_TEST_WORKER"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(runWorker) != "" && len(os.Args) > 1 && os.Args[len(os.Args)-1] == nursery.Flag:
		nursery.Refuse() // as a worker that was built without
		os.Exit(1)
	case os.Getenv(runWorker) != "":
		os.Exit(workerMain())
	case os.Getenv(runSettings) != "":
		os.Exit(supervisorMain())
	}
	goleak.VerifyTestMain(m)
}

func supervisorMain() int {
	environ := os.Environ()
	var settings config.Settings
	if err := json.Unmarshal([]byte(os.Getenv(runSettings)), &settings); err != nil {
		panic(err)
	}
	os.Unsetenv(runSettings)
	err := Run(context.Background(), Options{
		Deployment: Deployment{
			Settings: settings,
			Python:   control.Python{Name: "3.11"},
			Program:  ourselves{},
			Identity: identity.Identity{UID: -1, GID: -1},
			Logs:     noLogs{},
		},
		Load: reloaded,
		Upgrade: func() *exec.Cmd {
			cmd := exec.Command(os.Args[0])
			cmd.Env = environ
			return cmd
		},
		HandLogs: func(d Deployment) error {
			fmt.Fprintf(os.Stderr, "logs handed to those with threads=%d\n", d.Settings.Threads)
			return nil
		},
		Log:    logging.New(logging.Options{To: os.Stderr, Level: "debug"}),
		Stdout: os.Stdout,
		Stderr: os.Stderr,
	})
	// Who was succeeded does not wait for the successor's end.
	succeeded := goleak.IgnoreAnyFunction("github.com/gowsgi/gowsgi/internal/supervisor.(*supervisor).startUpgrade.func1")
	if leaks := goleak.Find(succeeded); leaks != nil {
		fmt.Fprintln(os.Stderr, leaks)
		return 99
	}
	if err != nil {
		var failed *StartError
		if errors.As(err, &failed) {
			fmt.Fprint(os.Stderr, failed.Traceback)
		}
		fmt.Fprintf(os.Stderr, "gowsgi: %v\n", err)
		return 1
	}
	return 0
}

// reloadFile names a file with the settings that a reload finds.
const reloadFile = "GOWSGI_TEST_RELOAD"

func reloaded(context.Context) (Deployment, error) {
	text, err := os.ReadFile(os.Getenv(reloadFile))
	if err != nil {
		return Deployment{}, err
	}
	var settings config.Settings
	if err := json.Unmarshal(text, &settings); err != nil {
		return Deployment{}, err
	}
	return Deployment{Settings: settings, Python: control.Python{Name: "3.11"}, Program: ourselves{}, Identity: identity.Identity{UID: -1, GID: -1}, Logs: noLogs{}}, nil
}

// noLogs stay as they are.
type noLogs struct{}

func (noLogs) Use()            {}
func (noLogs) Reopen() error   { return nil }
func (noLogs) SetLevel(string) {}
func (noLogs) Close()          {}

// loaded is what a worker's program has in its environment.
const loaded = "LOADED=/opt/worker"

// ourselves is the test binary as a worker.
type ourselves struct{}

func (ourselves) Close() error { return nil }

func (ourselves) Command(files ...*os.File) *exec.Cmd {
	os.Setenv(runWorker, "1")
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return &exec.Cmd{Path: path, Args: []string{path}, Env: []string{loaded}, ExtraFiles: files}
}
