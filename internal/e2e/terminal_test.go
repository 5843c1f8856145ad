package e2e

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// onTerminal runs the program on a terminal and shows what it shows.
func onTerminal(t *testing.T, o Options, args ...string) (*screen, *os.File, func() int) {
	t.Helper()
	cmd := command(o, args...)
	cmd.Env = append(cmd.Env, "TERM=xterm")
	cmd.SysProcAttr = nil // pty makes a session, which is a process group, too
	if o.Wrap != nil {
		o.Wrap(cmd)
	}
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 30, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	shown := new(screen)
	go func() { _, _ = io.Copy(shown, terminal) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		terminal.Close()
		if t.Failed() {
			t.Logf("the terminal:\n%q", shown.String())
		}
	})
	return shown, terminal, func() int {
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode()
	}
}

// A developer's terminal has colours, the message first, a line for each request,
// and tracebacks in which the own code stands out.
func TestTheLogOnATerminal(t *testing.T) {
	for name, colors := range map[string]bool{"NO_COLOR=": true, "NO_COLOR=1": false} {
		t.Run(name, func(t *testing.T) {
			address := freeAddr(t)
			shown, _, _ := onTerminal(t, Options{Dir: Testapps(), Env: []string{name}},
				"--venv", PlainVenv(t), "-b", address, "--reload", "--control", "off", "sleeps:application")
			Eventually(t, "it is ready", func() bool { return strings.Contains(shown.String(), "gowsgi.ready") })
			for _, path := range []string{"/hello", "/raise"} {
				response, err := http.Get("http://" + address + path)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
			}
			Eventually(t, "both requests are shown", func() bool { return strings.Contains(shown.String(), "GET /raise") })
			text := shown.String()
			if strings.Contains(text, "\x1b[") != colors {
				t.Errorf("colours: %v", !colors)
			}
			text = regexp.MustCompile(`\x1b\[\d*m`).ReplaceAllString(text, "")
			for _, want := range []string{
				`\d\d:\d\d:\d\d\.\d\d\d INFO  ready event=gowsgi\.ready workers=1`,
				`INFO  GET /hello worker=1 event=request\.done status=200 ms=[0-9.]+`,
				`ERROR the application raised worker=1 event=application\.raised`,
				`WARN  GET /raise worker=1 event=request\.done status=500`,
				`    File ".*sleeps\.py", line \d+, in application`,
			} {
				if !regexp.MustCompile(want).MatchString(text) {
					t.Errorf("no %s in\n%s", want, text)
				}
			}
			if own := "\x1b[1m    File \""; strings.Contains(shown.String(), own) != colors {
				t.Error("the application's frames")
			}
		})
	}
}

// An old worker that waits for a request says so.
func TestAnOldWorkerSaysWhatItWaitsFor(t *testing.T) {
	s := startAsked(t, Options{Target: "sleeps:application", Args: []string{"--threads", "2"}})
	ended := make(chan int)
	go func() { ended <- s.Client(t).Get("/sleep?seconds=7").Status }()
	Eventually(t, "the request is inside", func() bool { return len(s.state(t).Workers[0].Running) == 1 })
	s.Signal(t, syscall.SIGHUP)
	s.WaitLog(t, "event=reload.done")
	log := s.WaitLog(t, "event=worker.waiting")
	if !regexp.MustCompile(`level=INFO msg="an old worker is still there" event=worker\.waiting worker=1 pid=\d+ seconds=\d+ for="GET /sleep\?seconds=7 \(inside, \d+s\)"`).MatchString(log) {
		t.Errorf("the log:\n%s", log)
	}
	if status := <-ended; status != http.StatusOK {
		t.Errorf("the request ended with %d", status)
	}
}
