package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// greenlets are the libraries that replace threads, and on how many threads an
// application that they have changed runs.
var greenlets = map[string]struct{ threads int }{"gevent": {8}, "eventlet": {1}}

func startGreenlets(t *testing.T, library string, args ...string) Contract {
	t.Helper()
	return startContractTarget(t, "app:application", Options{
		Dir: Testapps(library + "_site"), Venv: Venv(t, library+"_site"),
		Args: append([]string{"--threads", "8", "--pythonpath", Testapps()}, args...),
	})
}

// greenThread is what testapps/greenlets.py says of the thread that it ran on.
type greenThread struct {
	Name          string
	Main, Ident   bool
	Listed, Local int
	Native        int
}

func TestAnApplicationOfGreenlets(t *testing.T) {
	for library, has := range greenlets {
		t.Run(library, func(t *testing.T) {
			s := startGreenlets(t, library)
			if warned := strings.Contains(s.Log(), "event=application.one_thread"); warned != (has.threads == 1) {
				t.Errorf("one thread: the log says %v", warned)
			}
			t.Run("threads have names and keep their locals", func(t *testing.T) {
				locals := map[int]int{}
				for range 20 {
					var got greenThread
					response := Dial(t, s.Server).Get("/thread")
					if err := json.Unmarshal([]byte(response.Body), &got); err != nil {
						t.Fatalf("%v: %+v", err, response)
					}
					if !strings.HasPrefix(got.Name, "gowsgi-") || got.Main || !got.Ident || got.Listed != 1 {
						t.Errorf("%+v", got)
					}
					if locals[got.Native]++; got.Local != locals[got.Native] {
						t.Errorf("%+v: its threading.local was lost", got)
					}
				}
			})
			t.Run("all threads sleep at once", func(t *testing.T) {
				key := s.Key()
				Parallel(t, has.threads, func(t testing.TB, _ int) {
					Dial(t, s.Server).Get(fmt.Sprintf("/meet?id=%s&n=%d", key, has.threads)).Want(t, 200, "met")
				})
			})
			for path, want := range map[string]string{
				"/sleep?seconds=0.01": "slept", "/lock": "1", "/log": "logged", "/spawn": "[0, 1, 2, 3, 4]", "/queue": "put",
				"/stream": "block 0\nblock 1\nblock 2\nblock 3\nblock 4\n",
			} {
				t.Run(path+", 50 clients", func(t *testing.T) {
					Parallel(t, 50, func(t testing.TB, _ int) {
						c := Dial(t, s.Server)
						for range 3 {
							c.Get(path).Want(t, 200, want)
						}
					})
				})
			}
			t.Run("greenlets that a request leaves behind go on", func(t *testing.T) {
				key := s.Key()
				Dial(t, s.Server).Get("/later?id="+key).Want(t, 200, "left behind")
				s.WaitNotes(t, key, "later")
			})
			if library != "gevent" { // its child processes are watched on the main thread, and nowhere else
				t.Run("child processes", func(t *testing.T) {
					Dial(t, s.Server).Get("/fork").Want(t, 200, "7")
					Dial(t, s.Server).Get("/subprocess").Want(t, 200, "child\n")
				})
			}
			t.Run("a reload", func(t *testing.T) {
				s.Signal(t, syscall.SIGHUP)
				s.WaitLog(t, "event=reload.done")
				Dial(t, s.Server).Get("/lock").Want(t, 200, "1")
			})
			t.Run("a stop waits for a request that sleeps", func(t *testing.T) {
				gate, key := s.Gate(t), s.Key()
				c := Dial(t, s.Server)
				c.Send("GET /wait?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
				s.WaitNotes(t, key, "called")
				s.Signal(t, syscall.SIGTERM)
				s.WaitLog(t, "stopping")
				gate.Open(1)
				if response := c.Response("GET"); response.Status != 200 {
					t.Errorf("%+v", response)
				}
				if status := s.Wait(t); status != 0 || strings.Contains(s.Log(), "worker.forced") {
					t.Errorf("exit status %d", status)
				}
			})
		})
	}
}

// The inspector sees through the hub: the stack of what is late is that of the
// view.
func TestAGreenletThatTakesTooLong(t *testing.T) {
	for library := range greenlets {
		t.Run(library, func(t *testing.T) {
			s := startGreenlets(t, library, "--timeout", "1")
			if response := Dial(t, s.Server).Get("/sleep?seconds=2.5"); response.Status != 504 {
				t.Errorf("%+v", response)
			}
			s.WaitLog(t, "event=request.timeout")
			Dial(t, s.Server).Get("/sleep?seconds=0.01").Want(t, 200, "slept")
		})
	}
}

// A greenlet that another request has left behind on the thread is not hit.
func TestAGreenletThatTakesTooLongHitsNoOther(t *testing.T) {
	for library := range greenlets {
		t.Run(library, func(t *testing.T) {
			s := startGreenlets(t, library, "--threads", "1", "--timeout", "1")
			key := s.Key()
			Dial(t, s.Server).Get("/busy?seconds=3&id="+key).Want(t, 200, "left behind")
			if response := Dial(t, s.Server).Get("/sleep?seconds=2.5"); response.Status != 504 {
				t.Errorf("%+v", response)
			}
			s.WaitNotes(t, key, "unharmed")
		})
	}
}

// What is raised once threads are replaced is the reason that the log gives, and
// nothing hangs.
func TestAnApplicationOfGreenletsThatCannotBeLoaded(t *testing.T) {
	for library := range greenlets {
		t.Run(library, func(t *testing.T) {
			result := Run(t, Options{Dir: Testapps(library + "_site")},
				"-b", freeAddr(t), "--venv", Venv(t, library+"_site"), "app:application") // without greenlets.py
			if result.Status != 1 || !strings.Contains(result.Errors, "No module named 'greenlets'") {
				t.Errorf("exit status %d\n%s", result.Status, result.Errors)
			}
		})
	}
}
