package e2e

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hanging are ways in which an application is never loaded.
var hanging = map[string]string{
	"sleeps":        "import time\ntime.sleep(600)\n",
	"keeps the GIL": "import ctypes\nctypes.PyDLL(None).sleep(600)\n",
}

func TestApplicationThatNeverLoadsEndsTheStart(t *testing.T) {
	t.Parallel() // it mostly waits
	for name, code := range hanging {
		for _, load := range []string{eachLoads, "--preload"} {
			t.Run(name+" "+load, func(t *testing.T) {
				folder := shortFolder(t)
				write(t, filepath.Join(folder, "hangs_at_import.py"), code)
				s := launch(t, Options{
					Target: "hangs_at_import", Dir: folder, Unix: true, Addr: filepath.Join(folder, "s"),
					Args: []string{load, "-w", "2", "-b", "unix:s", "-p", "pid", "--startup-timeout", "2"},
				})
				select {
				case <-s.exited:
				case <-time.After(stopDeadline):
				}
				// They were the only ones in its process group.
				if err := syscall.Kill(-s.PID(), 0); err == nil {
					t.Error("a process is left")
				}
				if status := s.Wait(t); status != 1 {
					t.Errorf("exit status %d", status)
				}
				checkComplaint(t, Result{Errors: s.Log()}, []string{"gowsgi: worker ", " did not load the application within 2s", "--startup-timeout"}, "")
				if !hangsAtLine2.MatchString(s.Log()) {
					t.Errorf("the log does not say where it hangs:\n%s", s.Log())
				}
				if left := slices.DeleteFunc(names(t, folder), func(name string) bool {
					return name == "hangs_at_import.py" || name == "__pycache__"
				}); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			})
		}
	}
}

// hangsAtLine2 is the stack of an application that hangs at its second line.
var hangsAtLine2 = regexp.MustCompile(`(?m)^ *Thread MainThread:\n *File ".*hangs_at_import\.py", line 2, in <module>\n`)

func TestHangAtImportIsSaidBeforeItsTimeIsOver(t *testing.T) {
	t.Parallel() // it mostly waits
	for name, code := range hanging {
		for _, load := range []string{eachLoads, "--preload"} {
			t.Run(name+" "+load, func(t *testing.T) {
				folder := t.TempDir()
				write(t, filepath.Join(folder, "hangs_at_import.py"), code)
				s := launch(t, Options{Target: "hangs_at_import", Dir: folder, Args: []string{load}})
				said := regexp.MustCompile(`level=WARN msg="the application is still being loaded" worker=1 event=application.loading seconds=5 startup_timeout_seconds=120\n` + hangsAtLine2.String()[len("(?m)^"):])
				Eventually(t, "the log says where it hangs", func() bool { return said.MatchString(s.Log()) })
				s.Signal(t, syscall.SIGTERM)
				if status := s.Wait(t); status != 0 {
					t.Errorf("exit status %d", status)
				}
			})
		}
	}
	t.Run("in a check", func(t *testing.T) {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "hangs_at_import.py"), hanging["sleeps"])
		result := Run(t, Options{Dir: folder}, "--venv", PlainVenv(t), "--startup-timeout", "1", "--check-config", "hangs_at_import")
		if result.Status != 1 || !hangsAtLine2.MatchString(result.Errors) {
			t.Errorf("status %d: %s", result.Status, result.Errors)
		}
	})
}

// What keeps a worker from ending is named by its thread or its stack.
func TestWhatHoldsUpAStopIsNamed(t *testing.T) {
	t.Parallel() // it mostly waits
	for name, test := range map[string]struct{ code, stack string }{
		"atexit":   {"import atexit\n@atexit.register\ndef linger():\n    time.sleep(600)\n", `Thread MainThread:\n(  .*\n)*    File ".*", line \d+, in linger\n`},
		"a thread": {"import threading\ndef work():\n    time.sleep(600)\nthreading.Thread(target=work, name='mailer').start()\n", `Thread mailer:\n(  .*\n)*    File ".*", line \d+, in work\n`},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, filepath.Join(folder, "lingers.py"), "import time\n"+test.code+"def application(environ, start_response):\n    start_response('200 OK', [])\n    return []\n")
			s := Start(t, Options{Target: "lingers", Dir: folder, Args: []string{"--graceful-timeout", "1"}})
			s.Signal(t, syscall.SIGTERM)
			s.Wait(t)
			if !regexp.MustCompile(`event=worker.forced timeout_seconds=1 graceful_timeout_seconds=1\n(  .*\n)*  ` + test.stack).MatchString(s.Log()) {
				t.Errorf("the log does not say who: %s", s.Log())
			}
		})
	}
}

// It is loaded then: who is told otherwise looks in the wrong place.
func TestWarmupThatIsNeverAnsweredIsNamed(t *testing.T) {
	t.Parallel() // it mostly waits
	folder := t.TempDir()
	write(t, filepath.Join(folder, "never_answers.py"), "import time\ndef application(environ, start_response):\n    time.sleep(600)\n")
	// How long it takes to load is the machine's affair.
	for _, seconds := range []string{"0.5", "3", "20"} {
		result := Run(t, Options{Dir: folder}, "-b", freeAddr(t), "--venv", PlainVenv(t),
			"--startup-timeout", seconds, "--warmup", "/healthz", "never_answers")
		if strings.Contains(result.Errors, "did not load") && seconds != "20" {
			continue
		}
		if result.Status != 1 {
			t.Errorf("exit status %d", result.Status)
		}
		checkComplaint(t, result, []string{"gowsgi: worker 1 has loaded", "did not answer --warmup /healthz", "--startup-timeout"}, "")
		break
	}
}

func TestReloadThatNeverLoadsKeepsTheOldWorkers(t *testing.T) {
	t.Parallel() // it mostly waits
	for name, code := range hanging {
		t.Run(name, func(t *testing.T) {
			settings := Settings{Workers: 2}
			p := startProject(t, ProjectOptions{Settings: settings})
			before := p.Workers(t)
			p.Write(t, "editions.py", code)
			settings.More = "startup_timeout = 0.5"
			p.Configure(t, settings)
			failed := p.LoggedOnceMore("reload.failed")
			p.Send(t, syscall.SIGHUP)
			Eventually(t, "the new worker starts", func() bool { return len(p.Workers(t)) == 3 || failed() })
			if edition := p.Answer(t); edition != "1" {
				t.Errorf("edition %s answers while another is loaded", edition)
			}
			Eventually(t, "the reload has failed", failed)
			if log := p.Log(); strings.Count(log, " did not load the application within 500ms") != 1 {
				t.Error("the log does not say why, or says it again and again")
			}
			if now := p.Workers(t); !slices.Equal(now, before) || p.Answer(t) != "1" {
				t.Errorf("edition %s, workers %v; before: %v", p.Answer(t), now, before)
			}
			p.Edition(t, 2)
			settings.More = ""
			p.Configure(t, settings)
			p.Send(t, syscall.SIGHUP)
			Eventually(t, "the mended application is served", func() bool { return p.Answer(t) == "2" })
		})
	}
}
