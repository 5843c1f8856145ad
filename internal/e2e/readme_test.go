package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// README's first five minutes, command by command, as somebody types them who
// has nothing but a checkout and python3. Only ports and the building are the
// suite's: the one may be taken here, the other has been done.
func TestReadmesCommandsWorkAsTheyStand(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(checkout(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## The first five minutes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	section, _, _ = strings.Cut(section, "Several CPythons in one program")
	typist := newTypist(t)
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		for _, command := range commands(block[1]) {
			typist.enter(t, command)
		}
	}
	if typist.servers < 7 {
		t.Errorf("only %d commands that serve:\n%s", typist.servers, section)
	}
}

// commands takes a block apart: one a line, but for a document in it.
func commands(block string) []string {
	var all []string
	document := ""
	for line := range strings.Lines(block) {
		if document != "" {
			all[len(all)-1] += line
			if strings.TrimSpace(line) == document {
				document = ""
			}
			continue
		}
		if _, rest, found := strings.Cut(line, "<<'"); found {
			document, _, _ = strings.Cut(rest, "'")
		}
		all = append(all, line)
	}
	return all
}

// typist is somebody at a shell.
type typist struct {
	folder  string // where it was started
	env     []string
	said    string // what changed the shell itself: said again before each command
	bind    string
	servers int
}

func newTypist(t *testing.T) *typist {
	t.Helper()
	home, programs := t.TempDir(), t.TempDir()
	// The machine's python3 is the one that the suite was given.
	write(t, filepath.Join(programs, "python3"), "#!/bin/sh\nexec "+findPython(t, defaultPython()).Executable+" \"$@\"\n")
	if err := os.Chmod(filepath.Join(programs, "python3"), 0o755); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(home, "bin") // make build's
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program(), filepath.Join(bin, "gowsgi")); err != nil {
		t.Fatal(err)
	}
	y := &typist{folder: home, bind: freeAddr(t)}
	for _, entry := range command(Options{}).Env {
		if name, _, _ := strings.Cut(entry, "="); name != "PATH" && name != "HOME" {
			y.env = append(y.env, entry)
		}
	}
	y.env = append(y.env, "HOME="+home, "PATH="+programs+":/usr/local/bin:/usr/bin:/bin", "GOWSGI_BIND="+y.bind)
	return y
}

var (
	changesShell = regexp.MustCompile(`^export |&& (cd|\.) `)
	servesNobody = regexp.MustCompile(`--(check-config|print-config|help)`)
)

func (y *typist) enter(t *testing.T, line string) {
	t.Helper()
	switch {
	case line == "make build\n":
	case strings.HasPrefix(line, "gowsgi ") && !servesNobody.MatchString(line):
		y.servers++
		y.serve(t, line)
	default:
		if out, err := y.shell(line).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	if changesShell.MatchString(line) {
		_, change, found := strings.Cut(line, "&& ")
		if !found {
			change = line
		}
		y.said += change
	}
}

func (y *typist) shell(line string) *exec.Cmd {
	cmd := exec.Command("bash", "-e", "-c", y.said+line)
	cmd.Dir, cmd.Env = y.folder, y.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// serve waits until the command serves, and stops it as Ctrl-C would.
func (y *typist) serve(t *testing.T, line string) {
	t.Helper()
	s := &Server{log: newLog(), out: newLog(), exited: make(chan struct{}), network: "tcp", Addr: y.bind}
	if strings.Contains(line, ":8080") {
		s.Addr = freeAddr(t)
		line = strings.Replace(line, ":8080", s.Addr, 1)
	}
	s.URL = "http://" + s.Addr
	s.cmd = y.shell("exec " + line)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.status = s.cmd.Wait()
		close(s.exited)
	}()
	defer s.killGroup()
	defer func() {
		if t.Failed() {
			t.Logf("%s\n%s", line, s.Log())
		}
	}()
	s.waitReady(t)
	want := "Hello"
	if strings.Contains(line, `"Hi"`) {
		want = "Hi"
	}
	s.Client(t).Get("/").Want(t, 200, want)
	s.Signal(t, syscall.SIGINT)
	if status := s.Wait(t); status != 0 {
		t.Errorf("%s: exit status %d", line, status)
	}
}
