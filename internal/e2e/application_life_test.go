package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestApplicationLife(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		venv := PlainVenv(t)
		s := startContract(t, "application_life", mode, "-e", "FROM_THE_COMMAND_LINE=yes")
		t.Run("the interpreter is the virtualenv's", func(t *testing.T) { checkInterpreter(t, s, mode, venv) })
		t.Run("a thread of the application", func(t *testing.T) {
			key := s.Key()
			s.Client(t).Get("/thread?id="+key).Want(t, 200, "thread [49]")
			s.WaitNotes(t, key, "outlived")
		})
		t.Run("a thread that was started at import runs while nobody asks", func(t *testing.T) {
			c := Dial(t, s.Server)
			before, _ := strconv.Atoi(c.Get("/ticks").Body)
			Eventually(t, "20 more ticks", func() bool {
				now, _ := strconv.Atoi(c.Get("/ticks").Body)
				return now > before+20
			})
		})
		t.Run("asyncio", func(t *testing.T) {
			Parallel(t, 8, func(t testing.TB, _ int) { s.Client(t).Get("/asyncio").Want(t, 200, "asyncio 25 child 0") })
		})
		t.Run("a child process", func(t *testing.T) {
			python := filepath.Join(venv, "bin", "python")
			response := s.Client(t).Get("/subprocess")
			if got := strings.Fields(response.Body); len(got) != 3 || got[0] != venv || !strings.HasPrefix(got[1], python) || got[2] != "None" {
				t.Errorf("%+v, want %s, %s, None", response, venv, python)
			}
		})
		for _, method := range []string{"fork", "spawn", "forkserver"} {
			t.Run("processes by "+method, func(t *testing.T) {
				c := s.Client(t)
				c.Get("/multiprocessing?method="+method).Want(t, 200, "multiprocessing 36 0 [0, 1, 4, 9, 16]")
				c.Get("/terminate?method="+method).Want(t, 200, "terminated -15")
				c.Get("/futures?method="+method).Want(t, 200, "futures [0, 1, 4, 9] [0, 1, 4, 9]")
			})
		}
		t.Run("several forks at once", func(t *testing.T) {
			Parallel(t, 4, func(t testing.TB, _ int) {
				s.Client(t).Get("/multiprocessing?method=fork").Want(t, 200, "multiprocessing 36 0 [0, 1, 4, 9, 16]")
			})
		})
		t.Run("a forked child writes to wsgi.errors", func(t *testing.T) {
			key := s.Key()
			s.Client(t).Get("/fork?id="+key).Want(t, 200, "forked 7")
			log := s.WaitLog(t, "child of "+key+" writes")
			if n := strings.Count(log, "child of "+key+" writes"); n != 1 {
				t.Errorf("%d times in the log", n)
			}
		})
		t.Run("a forked child that returns ends, and answers nobody", func(t *testing.T) {
			c := Dial(t, s.Server)
			c.Get("/fork-returns").Want(t, 200, "forked 1")
			s.WaitLog(t, "a forked child returned from the application")
			c.StaysOpen("/ticks")
		})
		t.Run("what the application logs", func(t *testing.T) { checkLogging(t, s) })
	})
}

func checkInterpreter(t *testing.T, s Contract, mode Mode, venv string) {
	response := s.Client(t).Get("/python")
	var got struct {
		Argv, Path, Encoding, Variables []string
		Executable, Prefix, Base_prefix string
		Preload                         *string
	}
	if err := json.Unmarshal([]byte(response.Body), &got); err != nil {
		t.Fatalf("%v: %+v", err, response)
	}
	if !slices.Equal(got.Argv, []string{"gowsgi"}) || got.Prefix != venv || got.Base_prefix == venv ||
		!strings.HasPrefix(got.Executable, filepath.Join(venv, "bin", "python")) {
		t.Errorf("%+v", got)
	}
	got.Variables = slices.DeleteFunc(got.Variables, func(name string) bool { // set by the test
		return slices.ContainsFunc(mode.Env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
	})
	if got.Preload != nil || len(got.Variables) > 0 {
		t.Errorf("the server's own variables are visible: LD_PRELOAD %v, %q", got.Preload, got.Variables)
	}
	if !slices.Equal(got.Encoding, []string{"utf-8", "utf-8"}) {
		t.Errorf("encodings %q", got.Encoding)
	}
	if !slices.Contains(got.Path, Testapps()) || !slices.ContainsFunc(got.Path, func(p string) bool { return strings.HasPrefix(p, venv) }) {
		t.Errorf("sys.path is %q", got.Path)
	}
}

func checkLogging(t *testing.T, s Contract) {
	keys := make([]string, 50)
	Parallel(t, len(keys), func(t testing.TB, i int) {
		keys[i] = s.Key()
		s.Client(t).Get("/logging?id="+keys[i]).Want(t, 200, "logged")
	})
	seen := 0
	for _, key := range keys {
		for _, text := range []string{"errors of " + key, "pending of " + key, "handler of " + key} {
			for line := range strings.Lines(s.WaitLog(t, text)) {
				if !strings.Contains(line, text) {
					continue
				}
				seen++
				if !strings.HasPrefix(line, "time=") || !strings.Contains(line, `uri="/logging?id=`+key+`"`) {
					t.Errorf("what went to wsgi.errors does not say which request: %q", line)
				}
			}
		}
		s.WaitLog(t, "logging of "+key)
		s.WaitLog(t, "stderr of "+key)
		s.WaitOut(t, "print of "+key)
	}
	if seen != 3*len(keys) {
		t.Errorf("%d records of wsgi.errors, want %d", seen, 3*len(keys))
	}
	// Several threads print at once: a line stays a line.
	torn := 0
	for _, key := range keys {
		for _, line := range []string{"logging of " + key + "\n", "stderr of " + key + "\n"} {
			if !strings.Contains("\n"+s.Log(), "\n"+line) {
				torn++
			}
		}
		if !strings.Contains("\n"+s.Out(), "\nprint of "+key+": ä☃\n") {
			torn++
		}
	}
	if torn > 0 {
		t.Errorf("%d of %d lines that threads printed at once were mixed up", torn, 3*len(keys))
	}
}

func TestEndOfLife(t *testing.T) {
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			s := startContract(t, "application_life", Mode{Args: []string{"--workers", strconv.Itoa(workers)}})
			gate := s.Gate(t)
			s.Client(t).Get("/lingers?gate="+gate.Path).Want(t, 200, "lingering")
			s.Signal(t, syscall.SIGTERM)
			s.WaitLog(t, "stopping")
			if notes := s.Notes(t, "life"); slices.Contains(notes, "lingered") {
				t.Errorf("%q", notes)
			}
			gate.Open(1)
			if status := s.Wait(t); status != 0 {
				t.Errorf("exit status %d", status)
			}
			notes := s.Notes(t, "life")
			lingered := slices.Index(notes, "lingered")
			if n := strings.Count(strings.Join(notes, " "), "atexit"); n != workers || lingered < 0 || notes[len(notes)-1] != "atexit" {
				t.Errorf("the journal has %q", notes)
			}
		})
	}
	t.Run("a request that runs is finished first", func(t *testing.T) {
		s := startContract(t, "pool_threads", modes[0])
		gate, key := s.Gate(t), s.Key()
		c := Dial(t, s.Server)
		c.Send("GET /wait?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		s.WaitNotes(t, key, "called")
		s.Signal(t, syscall.SIGTERM)
		s.WaitLog(t, "stopping")
		gate.Open(1)
		parseHere(t, c.Response("GET"))
		if status := s.Wait(t); status != 0 {
			t.Errorf("exit status %d", status)
		}
	})
}

func TestSignalThief(t *testing.T) {
	Protocols(t, func(t *testing.T, mode Mode) {
		s := startContract(t, "signal_thief", mode)
		log := s.WaitLog(t, "signal.signal")
		if !strings.Contains(log, "steal_at_import") || !strings.Contains(log, "signal_thief.py") {
			t.Error("the log does not show the stack of the call at import")
		}
		if strings.Contains(log, "<gowsgi>") || strings.Contains(log, "<frozen importlib.") {
			t.Error("the stack shows how the application was imported")
		}
		t.Run("in a request", func(t *testing.T) {
			s.Client(t).Get("/steal").Want(t, 200, "stolen [True, True, True] False")
		})
		t.Run("a forked child may", func(t *testing.T) {
			for range 2 {
				s.Client(t).Get("/child").Want(t, 200, "! 42")
			}
		})
		t.Run("a forked child that does not is ended", func(t *testing.T) {
			for range 2 {
				s.Client(t).Get("/default-child").Want(t, 200, "! -15")
			}
		})
		s.Stop(t) // with status 0, although somebody asked for the signal
		if strings.Contains(s.Log(), "the application's handler ran") {
			t.Error("the application's handler ran")
		}
	})
}

// sitecustomize is imported while CPython starts: what docs/wsgi.md says of the
// module gowsgi holds there, too.
func TestSitecustomizeImportsGowsgi(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "sitecustomize.py"), `try:
    import gowsgi
except ImportError:  # gowsgi asks the interpreter what it is
    pass
else:
    import builtins
    builtins.found = (gowsgi, gowsgi.RequestTimeout, gowsgi.LogHandler)
`)
	write(t, filepath.Join(folder, "customized.py"), `import builtins
import gowsgi

def application(environ, start_response):
    start_response("200 OK", [])
    same = builtins.found == (gowsgi, gowsgi.RequestTimeout, gowsgi.LogHandler)
    raised = issubclass(gowsgi.RequestTimeout, BaseException)
    return [b"%r %r" % (same, raised)]
`)
	s := Start(t, Options{Target: "customized", Dir: folder, Env: []string{"PYTHONPATH=" + folder}})
	s.Client(t).Get("/").Want(t, 200, "True True")
	if strings.Contains(s.Log(), "Traceback") {
		t.Error("sitecustomize failed")
	}
}

// A signal that is ignored stays so in a program that is started: what the server
// does about its own signals is nothing that child processes inherit.
func TestSignalsOfChildProcesses(t *testing.T) {
	for name, c := range map[string]struct {
		wrap    func(*exec.Cmd)
		survive map[string]bool
	}{
		"as ever":    {nil, nil},
		"with nohup": {ignoring("HUP"), map[string]bool{"SIGHUP": true}},
		"background": {ignoring("INT"), map[string]bool{"SIGINT": true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := startContractTarget(t, "signal_thief:application", Options{Wrap: c.wrap})
			for _, way := range []string{"subprocess", "spawn", "fork"} {
				for signal, number := range map[string]string{"SIGINT": "-2", "SIGHUP": "-1", "SIGTERM": "-15", "SIGQUIT": "-3", "SIGUSR1": "-10"} {
					want := number
					if c.survive[signal] {
						want = "still there"
					}
					if got := s.Client(t).Get("/ends-by?way=" + way + "&signal=" + signal); got.Body != want {
						t.Errorf("%s, %s: %+v", way, signal, got)
					}
				}
			}
			if name != "as ever" {
				return
			}
			const pipeAndSize = 1<<(13-1) | 1<<(25-1) // SIGPIPE and SIGXFSZ, which Python ignores and subprocess does not
			for way, ignored := range map[string]int{"subprocess": 0, "spawn": pipeAndSize, "fork": pipeAndSize} {
				want := fmt.Sprintf("{'SigBlk': 0, 'SigIgn': %d}", ignored)
				s.Client(t).Get("/masks?way="+way).Want(t, 200, want)
			}
			s.Client(t).Get("/large").Want(t, 200, "OSError")
		})
	}
}

// ignoring has the program started by a shell that ignores a signal.
func ignoring(signal string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		args := append([]string{"sh", "-c", "trap '' " + signal + "; exec \"$@\"", "sh", cmd.Path}, cmd.Args[1:]...)
		cmd.Path, cmd.Args = "/bin/sh", args
	}
}
