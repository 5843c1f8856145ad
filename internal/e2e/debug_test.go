package e2e

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
)

// screen is what a terminal has shown so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) shows(text string, times int) func() bool {
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return strings.Count(s.text.String(), text) >= times
	}
}

func TestDebuggerHasTheTerminal(t *testing.T) {
	addr := freeAddr(t)
	cmd := command(Options{Dir: Testapps(), Env: []string{"NO_COLOR=1"}}, "--venv", PlainVenv(t), "--debug", "-b", addr, "debugged:application")
	cmd.SysProcAttr = nil // pty makes a session, which is a process group, too
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	var screen screen
	go func() { _, _ = io.Copy(&screen, terminal) }()
	defer func() {
		if t.Failed() {
			t.Log(screen.text.String())
		}
		_ = cmd.Process.Kill()
	}()
	Eventually(t, "it serves", screen.shows("event=gowsgi.ready workers=1 threads=1", 1))
	answer := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + addr)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answer <- string(body)
	}()
	for i, line := range []string{"answer = 42\n", "p answer\n", "c\n"} {
		Eventually(t, "the debugger asks", screen.shows("(Pdb)", i+1))
		if _, err := io.WriteString(terminal, line); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-answer; got != "42" {
		t.Errorf("the answer is %q", got)
	}
	if screen.shows("signal.ignored", 1)() {
		t.Error("the debugger's own signals are logged")
	}
	if _, err := terminal.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	Eventually(t, "it stops", screen.shows("event=gowsgi.stopped", 1))
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
