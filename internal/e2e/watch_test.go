package e2e

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// gowsgi status --watch shows, sorts and leaves the terminal as it was.
func TestWatch(t *testing.T) {
	control := "unix:" + filepath.Join(shortFolder(t), "control")
	s := Start(t, Options{Target: "sleeps:application", Args: []string{"--control", control, "-w", "2", "--timeout", "0"}})
	ended := make(chan int)
	go func() { ended <- s.Client(t).Get("/sleep?seconds=4").Status }()
	shown, terminal, wait := onTerminal(t, Options{}, "status", "--control", control, "--watch")
	Eventually(t, "the request is shown", func() bool { return strings.Contains(shown.String(), "GET /sleep?seconds=4") })
	shows := strings.Count(shown.String(), "WORKER")
	for _, key := range "sw" {
		if _, err := io.WriteString(terminal, string(key)); err != nil {
			t.Fatal(err)
		}
	}
	Eventually(t, "it is shown anew", func() bool { return strings.Count(shown.String(), "WORKER") > shows+2 })
	if _, err := io.WriteString(terminal, "q"); err != nil {
		t.Fatal(err)
	}
	if status := wait(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	Eventually(t, "the terminal is left as it was", func() bool {
		text := shown.String()
		return strings.HasPrefix(text, "\x1b[?1049h") && strings.HasSuffix(text, "\x1b[?1049l")
	})
	if status := <-ended; status != http.StatusOK {
		t.Errorf("the request ended with %d", status)
	}
}

const firstScreen = "\x1b[?1049l"

// Whatever ends it, the terminal is as it was: its screen, and its keys.
func TestWatchLeavesTheTerminalAsItWas(t *testing.T) {
	a := startAsked(t, Options{Target: "sleeps:application"})
	for name, key := range map[string]string{"Ctrl-C": "\x03", `Ctrl-\`: "\x1c", "q": "q"} {
		t.Run(name, func(t *testing.T) {
			over := func(cmd *exec.Cmd) { // who comes after it on the terminal
				cmd.Args = append([]string{"sh", "-mc", `"$@"; stty -a; echo over`, "sh"}, cmd.Args...)
				cmd.Path = "/bin/sh"
			}
			shown, terminal, wait := onTerminal(t, Options{Wrap: over}, "status", "--control", a.control, "--watch")
			Eventually(t, "it is shown", shown.shows("WORKER", 1))
			press(t, terminal, key)
			wait()
			Eventually(t, "it is over", shown.shows("over", 1))
			_, after, _ := strings.Cut(shown.String(), firstScreen)
			if strings.Contains(after, "goroutine") || !strings.Contains(after, " icanon") || !strings.Contains(after, " echo ") {
				t.Errorf("afterwards there is\n%s", after)
			}
		})
	}
}

// A program that stands still cannot give its terminal back: Ctrl-Z is no key here.
func TestWatchIsNotStopped(t *testing.T) {
	a := startAsked(t, Options{Target: "sleeps:application"})
	inShell := func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-mc", `"$@"; echo over`, "sh"}, cmd.Args...)
		cmd.Path = "/bin/sh"
	}
	shown, terminal, wait := onTerminal(t, Options{Wrap: inShell}, "status", "--control", a.control, "--watch")
	Eventually(t, "it is shown", shown.shows("WORKER", 1))
	press(t, terminal, "\x1a")
	Eventually(t, "it goes on", shown.shows("WORKER", 3))
	press(t, terminal, "q")
	wait()
	Eventually(t, "it is over", shown.shows("over", 1))
	if text := shown.String(); strings.Index(text, "over") < strings.Index(text, firstScreen) {
		t.Error("the shell had the terminal before that was given back")
	}
}

// A gowsgi that does not answer makes nobody wait for a key or a new size.
func TestWatchOfOneThatDoesNotAnswer(t *testing.T) {
	a := startAsked(t, Options{Target: "sleeps:application"})
	shown, terminal, wait := onTerminal(t, Options{}, "status", "--control", a.control, "--watch")
	Eventually(t, "it is shown", shown.shows("RESTARTS", 1))
	a.Signal(t, syscall.SIGSTOP)
	defer a.Signal(t, syscall.SIGCONT)
	Eventually(t, "gowsgi stands still", func() bool { return stopped(a.PID()) })
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 30, Cols: 37}); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "it has the new width", func() bool {
		_, last, _ := cutLast(shown.String(), "\x1b[2J")
		return strings.Contains(last, "no requests run") && !strings.Contains(last, "RESTARTS")
	})
	press(t, terminal, "q")
	if status := wait(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// Who breaks a command off is not shown what goes on inside.
func TestACommandThatIsBrokenOff(t *testing.T) {
	path := filepath.Join(shortFolder(t), "control")
	l, err := net.Listen("unix", path) // and answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, name := range []string{"status", "stacks", "reload"} {
		said := newLog()
		cmd := command(Options{}, name, "--control", "unix:"+path)
		cmd.Stderr = said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		conn, err := l.Accept() // so it has come to where it waits
		if err != nil {
			t.Fatal(err)
		}
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		_ = cmd.Wait()
		conn.Close()
		if status := cmd.ProcessState.ExitCode(); status != 1 || said.String() != "" {
			t.Errorf("%s: status %d, %s", name, status, said)
		}
	}
}

// gowsgi status | head says no more than head does.
func TestStatusIntoAPipeThatNobodyReads(t *testing.T) {
	a := startAsked(t, Options{Target: "sleeps:application"})
	for _, more := range []string{"--watch", "--json"} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		reader.Close()
		r := Run(t, Options{Wrap: func(cmd *exec.Cmd) { cmd.Stdout = writer }}, "status", "--control", a.control, more)
		writer.Close()
		if r.Status != 1 || r.Errors != "" {
			t.Errorf("%s: status %d, %q", more, r.Status, r.Errors)
		}
	}
}

func press(t *testing.T, terminal *os.File, key string) {
	t.Helper()
	if _, err := io.WriteString(terminal, key); err != nil {
		t.Fatal(err)
	}
}

func cutLast(text, at string) (before, after string, found bool) {
	i := strings.LastIndex(text, at)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(at):], true
}
