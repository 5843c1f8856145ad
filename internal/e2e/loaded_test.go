package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestWorkerIsInTheApplicationsPythonAndLeavesNoTrace(t *testing.T) {
	program := executable(t)
	odd := filepath.Join(t.TempDir(), "a b:c$LIB")
	if err := os.Mkdir(odd, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args, env []string
		preload   string
	}{
		"as usual":                         {nil, nil, "unset"},
		"the user loads something himself": {nil, []string{"LD_PRELOAD=libm.so.6"}, "libm.so.6"},
		"nothing, but says so":             {nil, []string{"LD_PRELOAD="}, ""},
		"the loader cannot take the cache": {nil, []string{"XDG_CACHE_HOME=" + odd}, "unset"},
		"from memory":                      {nil, []string{"XDG_CACHE_HOME=/dev/null"}, "unset"},
		"forked":                           {[]string{"--preload"}, nil, "unset"},
		"forked, and the user's own":       {[]string{"--preload"}, []string{"LD_PRELOAD=libm.so.6"}, "libm.so.6"},
		"forked, from memory":              {[]string{"--preload"}, []string{"XDG_CACHE_HOME=/dev/null"}, "unset"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Start(t, Options{Target: "loaded", Env: c.env, Args: c.args})
			response := s.Client(t).Get("/")
			var got struct {
				Program, Line  string
				Names, Preload []string
			}
			if err := json.Unmarshal([]byte(response.Body), &got); err != nil {
				t.Fatalf("%v: %+v", err, response)
			}
			if got.Program != program {
				t.Errorf("it runs in %s, not in %s", got.Program, program)
			}
			if strings.TrimSuffix(got.Line, "\x00") != "gowsgi: worker 1 [loaded]" {
				t.Errorf("its command line is %q", got.Line)
			}
			if len(got.Names) != 0 {
				t.Errorf("others find %v in it", got.Names)
			}
			if !slices.Equal(got.Preload, []string{c.preload, c.preload, c.preload}) {
				t.Errorf("LD_PRELOAD is %q, here, when it was loaded, and in a child", got.Preload)
			}
			if strings.Contains(s.Log(), "ld.so") {
				t.Error("the loader has something to say")
			}
		})
	}
}

func TestPythonThatIsGoneIsNamedUntilItIsBack(t *testing.T) {
	venv := filepath.Join(t.TempDir(), "venv")
	must(t, findPython(t, defaultPython()).Executable, "-m", "venv", "--without-pip", "--copies", venv)
	s := Start(t, Options{Target: "loaded", Venv: venv, Args: []string{eachLoads}})
	python := filepath.Join(venv, "bin", "python")
	if err := os.Rename(python, python+".away"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.WorkerPIDs()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.WaitLog(t, python+", the application's Python, is gone: install it again")
	if err := os.Rename(python+".away", python); err != nil {
		t.Fatal(err)
	}
	s.Client(t).Get("/").WantPart(t, 200, python)
}

// The loader puts nothing into a program that has more rights than who starts it.
func TestPythonThatTheWorkerCannotBeLoadedIntoIsNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	venv := filepath.Join(t.TempDir(), "venv")
	must(t, findPython(t, defaultPython()).Executable, "-m", "venv", "--without-pip", "--copies", venv)
	python := filepath.Join(venv, "bin", "python")
	if err := os.Chown(python, 0, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(python, 0o755|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--preload"}} {
		args = append([]string{"-b", freeAddr(t), "--venv", venv, "loaded"}, args...)
		result := Run(t, Options{Dir: Testapps()}, args...)
		if result.Status != 1 || !strings.Contains(result.Errors, "gowsgi: "+python+" has started without gowsgi's worker") || !strings.Contains(result.Errors, "chmod ug-s") {
			t.Errorf("%q: status %d\n%s", args, result.Status, result.Errors)
		}
	}
}

// Who means gowsgi and signals all of its processes, as pkill does, ends none of them.
func TestWorkersOutliveTheSignalsThatAreGowsgis(t *testing.T) {
	for _, args := range [][]string{nil, {"--preload"}} {
		s := Start(t, Options{Target: "loaded", Args: args})
		workers := s.WorkerPIDs()
		for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGUSR2} {
			for _, pid := range workers {
				if err := syscall.Kill(pid, signal); err != nil {
					t.Fatal(err)
				}
			}
			s.Client(t).Get("/").WantPart(t, 200, "loaded")
		}
		if now := s.WorkerPIDs(); !slices.Equal(now, workers) {
			t.Errorf("workers %v; before: %v", now, workers)
		}
	}
}
