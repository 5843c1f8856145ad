package listen

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gowsgi/gowsgi/internal/octets"
)

// deadline is for what should happen at once.
const deadline = 20 * time.Second

// asChild makes the test binary a gowsgi that takes over what it is given: it
// holds the binds, separated by spaces.
const asChild = "GOWSGI_TEST_BINDS"

// fails makes a child end before it has taken over.
const fails = "GOWSGI_TEST_FAILS"

func TestMain(m *testing.M) {
	if binds, ok := os.LookupEnv(asChild); ok {
		os.Exit(child(strings.Fields(binds)))
	}
	goleak.VerifyTestMain(m)
}

// told is the first thing that a child says.
type told struct {
	Error     string
	Listeners []*Listener
	Opened    int
	Env       []string // what is left of the variables
}

// child says what it has, answers each client with its line, and ends when
// standard input does.
func child(binds []string) int {
	have, err := Inherited()
	var say told
	if err == nil {
		var opened []*Listener
		say.Listeners, opened, err = Open(options(binds...), have)
		say.Opened = len(opened)
	}
	if err != nil {
		say.Error = err.Error()
	}
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, "LISTEN_") || strings.HasPrefix(entry, variable) {
			say.Env = append(say.Env, entry)
		}
	}
	_ = octets.NewEncoder(os.Stdout).Encode(say)
	for _, l := range say.Listeners {
		accept, err := net.FileListener(l.File())
		if err != nil {
			panic(err)
		}
		go echo(accept)
	}
	if os.Getenv(fails) == "" {
		for _, l := range say.Listeners {
			l.Keep()
		}
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	for _, l := range say.Listeners {
		l.Close()
	}
	return 0
}

func echo(accept net.Listener) {
	for {
		conn, err := accept.Accept()
		if err != nil {
			return
		}
		line, _ := bufio.NewReader(conn).ReadString('\n')
		fmt.Fprintf(conn, "child %s", line)
		conn.Close()
	}
}

// run starts the test binary as a child; stop ends it and waits for it.
func run(t *testing.T, cmd *exec.Cmd, binds ...string) (says told, stop func()) {
	t.Helper()
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, asChild+"="+strings.Join(binds, " "))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if err := octets.NewDecoder(out).Decode(&says); err != nil {
		stop()
		t.Fatal(err)
	}
	return says, stop
}

// options are those of a gowsgi without any.
func options(binds ...string) Options {
	return Options{Binds: binds, Backlog: 16, UID: -1, GID: -1}
}

// opened opens binds for the test.
func opened(t *testing.T, o Options) []*Listener {
	t.Helper()
	all, _, err := Open(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, l := range all {
			l.Close()
		}
	})
	return all
}

// folder is one with a short name: a socket's path has 107 bytes.
func folder(t *testing.T) string {
	t.Helper()
	path, err := os.MkdirTemp("", "gowsgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(path) })
	return path
}

// ask sends a line to a child and returns its answer.
func ask(t *testing.T, l *Listener, line string) string {
	t.Helper()
	conn := dial(t, l)
	defer conn.Close()
	return exchange(t, conn, line)
}

func dial(t *testing.T, l *Listener) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout(l.Network, l.Address, deadline)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func exchange(t *testing.T, conn net.Conn, line string) string {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(deadline))
	fmt.Fprintln(conn, line)
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Error(err)
	}
	return strings.TrimSpace(string(text))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
