package e2e

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gowsgi/gowsgi/internal/operator"
)

// Clients of the socket that hang, flood or talk nonsense cost nobody an answer.
func TestBadClientsOfTheControlSocket(t *testing.T) {
	a := startAsked(t, Options{Target: "environ_dump:application"})
	path := strings.TrimPrefix(a.control, "unix:")
	for i := range 20 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, []string{"GET /status HTTP/1.1\r\n", "\xff\xfe\x00", "", "GET /status HTTP/1.1\r\nHost: x\r\n\r\n"}[i%4])
	}
	if state := a.state(t); state.Phase != operator.Serving {
		t.Errorf("%+v", state)
	}
	if r := a.Client(t).Get("/"); r.Status != http.StatusOK {
		t.Errorf("the application answers %d", r.Status)
	}
}

// The socket is beside the pid file, and the pid file leads to it.
func TestTheControlSocketIsBesideThePidFile(t *testing.T) {
	pid := filepath.Join(shortFolder(t), "site.pid")
	Start(t, Options{Target: "environ_dump:application", Args: []string{"--pid", pid, "--name", "shop"}})
	if r := Run(t, Options{}, "status", "--pid", pid); r.Status != 0 || !strings.HasPrefix(r.Out, "shop: serving for ") {
		t.Errorf("status %d\n%s%s", r.Status, r.Out, r.Errors)
	}
}

// serveWithoutSocket starts a gowsgi that serves and says once why nobody can ask
// it.
func serveWithoutSocket(t *testing.T, why string, o Options) {
	t.Helper()
	o.Target = "check_config:application"
	s := Start(t, o)
	if log := s.Log(); strings.Count(log, "event=control.none") != 1 || strings.Count(log, "event=control.") != 1 || !strings.Contains(log, why) {
		t.Errorf("not once, or not because %s:\n%s", why, log)
	}
	if r := s.Client(t).Get("/"); r.Status != http.StatusOK {
		t.Errorf("status %d", r.Status)
	}
}

// Where the socket cannot be, gowsgi starts without one and says so. What is
// there stays as it is.
func TestAControlSocketThatCannotBe(t *testing.T) {
	folder := shortFolder(t)
	in := func(names ...string) string { return filepath.Join(append([]string{folder}, names...)...) }
	write(t, in("file"), "precious")
	if err := os.Mkdir(in("folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": "file", "loop": "loop", "dangling": "elsewhere"} {
		if err := os.Symlink(in(to), in(link)); err != nil {
			t.Fatal(err)
		}
	}
	for place, why := range map[string]string{
		in("file"):                   "is in the way of the control socket and no socket",
		in("folder"):                 "is in the way of the control socket and no socket",
		in("link"):                   "is in the way of the control socket and no socket",
		in("dangling"):               "is in the way of the control socket and no socket",
		in("loop"):                   "is in the way of the control socket and no socket",
		in("loop", "x"):              "too many levels of symbolic links",
		in("file", "x"):              "not a directory",
		in("no", "folder"):           "no such file or directory",
		in(strings.Repeat("x", 150)): "the path is too long for a socket",
		in(strings.Repeat("x", 300)): "file name too long",
	} {
		serveWithoutSocket(t, why, Options{Args: []string{"--control", "unix:" + place}})
	}
	if text, err := os.ReadFile(in("file")); string(text) != "precious" {
		t.Errorf("the file in the way holds %q, %v", text, err)
	}
	if _, err := os.Lstat(in("elsewhere")); err == nil {
		t.Error("the socket was made where a link leads")
	}
	entries, _ := os.ReadDir(folder)
	if len(entries) != 5 {
		t.Errorf("left behind: %v", entries)
	}
	off := Start(t, Options{Target: "environ_dump:application", Args: []string{"--control", "off"}})
	if strings.Contains(off.Log(), "control") {
		t.Errorf("with --control off:\n%s", off.Log())
	}
}

// Nor where the system does not let it be made.
func TestAControlSocketThatMayNotBe(t *testing.T) {
	python, folder := everybodys(t)
	copied := filepath.Join(folder, "gowsgi") // where nobody can run it
	if out, err := exec.Command("cp", program(), copied).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	nobody := func(cmd *exec.Cmd) {
		cmd.Path = copied
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	o := Options{Dir: folder, Venv: python, Wrap: nobody, Env: []string{"HOME=/nonexistent", "XDG_RUNTIME_DIR=", "TMPDIR=" + folder}}
	o.Args = []string{"--control", "unix:" + filepath.Join(folder, "control")}
	serveWithoutSocket(t, "cannot be made: permission denied", o)
	o.Args = nil
	serveWithoutSocket(t, "there is no place for the control socket: "+folder+"/gowsgi-65534 cannot be made: permission denied", o)

	mounted := filepath.Join(folder, "mounted")
	if err := os.Mkdir(mounted, 0o755); err != nil {
		t.Fatal(err)
	}
	for options, why := range map[string]string{"ro": "cannot be made: read-only file system", "nr_inodes=1": "cannot be made: no space left on device"} {
		if out, err := exec.Command("unshare", "-m", "mount", "-t", "tmpfs", "-o", options, "none", mounted).CombinedOutput(); err != nil {
			t.Skipf("no file system can be made that is %s: %v: %s", options, err, out)
		}
		serveWithoutSocket(t, why, Options{
			Dir: folder, Venv: python, Args: []string{"--control", "unix:" + filepath.Join(mounted, "control")},
			Wrap: func(cmd *exec.Cmd) {
				cmd.Args = append([]string{"unshare", "-m", "sh", "-c", "mount -t tmpfs -o " + options + ` none "$0" && exec "$@"`, mounted}, cmd.Args...)
				cmd.Path = mustFind(t, "unshare")
			},
		})
	}
}

// Another user can neither ask nor order, and is told whom to be.
func TestAnotherUserCannotAsk(t *testing.T) {
	_, folder := everybodys(t)
	copied := filepath.Join(folder, "gowsgi")
	if out, err := exec.Command("cp", program(), copied).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	control := "unix:" + filepath.Join(folder, "control")
	s := Start(t, Options{Target: "environ_dump:application", Args: []string{"--control", control, "--pid", filepath.Join(folder, "site.pid")}})
	for _, line := range []string{"status --control " + control, "stop --control " + control} {
		r := Run(t, Options{Dir: folder, Wrap: func(cmd *exec.Cmd) {
			cmd.Path = copied
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		}}, strings.Fields(line)...)
		if r.Status != 1 || !strings.Contains(r.Errors, "is another user's: ask as that user, or as root") || strings.Count(r.Errors, "\n") != 1 {
			t.Errorf("%s: status %d, %s", line, r.Status, r.Errors)
		}
	}
	if r := s.Client(t).Get("/"); r.Status != http.StatusOK {
		t.Errorf("status %d", r.Status)
	}
}

// Who is connected at an upgrade is answered by the old gowsgi as long as it
// lives, and then by the new one.
func TestAClientOfTheControlSocketDuringAnUpgrade(t *testing.T) {
	control := filepath.Join(shortFolder(t), "control")
	p := startProject(t, ProjectOptions{Args: []string{"--control", "unix:" + control}})
	old := p.Supervisor(t)
	client := operator.NewClient(control)
	defer client.Leave()
	half, err := net.Dial("unix", control) // and has asked for half of something
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	_, _ = io.WriteString(half, "GET /status HTTP/1.1\r\nHo")
	shown, terminal, wait := onTerminal(t, Options{}, "status", "--control", "unix:"+control, "--watch")
	Eventually(t, "it is watched", shown.shows("serving", 1))
	p.Edition(t, 2)
	succeeded := p.Succeeded(t, 1)
	p.Send(t, syscall.SIGUSR2)
	answers := map[int]int{}
	Eventually(t, "the upgrade is done", func() bool {
		var state operator.State
		if err := client.Ask(t.Context(), http.MethodGet, "/status", nil, &state); err != nil {
			if answers[old] == 0 || !strings.Contains(err.Error(), "this gowsgi has stopped") {
				t.Errorf("after %v: %v", answers, err)
			}
			client.Leave()
		} else {
			answers[state.PID]++
		}
		return succeeded() && answers[p.Supervisor(t)] > 1
	})
	if now := p.Supervisor(t); now == old || answers[old] == 0 || len(answers) != 2 {
		t.Errorf("of %d and %d: %v", old, now, answers)
	}
	Eventually(t, "who watches sees the new one", func() bool {
		_, last, _ := cutLast(shown.String(), "\x1b[2J")
		return strings.Contains(last, "serving") && strings.Contains(last, "process "+strconv.Itoa(p.Supervisor(t)))
	})
	press(t, terminal, "q")
	if status := wait(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if p.Answer(t) != "2" {
		t.Error("the old edition answers")
	}
}

// Who hears that gowsgi has stopped can start another one in its place at once.
func TestStoppedMeansThatAllIsFree(t *testing.T) {
	folder := shortFolder(t)
	control, pid, bind, metrics := filepath.Join(folder, "control"), filepath.Join(folder, "pid"), freeAddr(t), freeAddr(t)
	for range 5 {
		s := launch(t, Options{
			Target: "environ_dump:application", Addr: bind,
			Args: []string{"-b", bind, "--control", "unix:" + control, "--pid", pid, "--metrics", metrics},
		})
		s.waitReady(t)
		client := operator.NewClient(control)
		var outcome operator.Outcome
		if err := client.Ask(t.Context(), http.MethodPost, "/stop", nil, &outcome); err != nil || !outcome.Done {
			t.Fatalf("%+v, %v", outcome, err)
		}
		for _, path := range []string{control, pid} {
			if _, err := os.Lstat(path); err == nil {
				t.Errorf("%s is still there", path)
			}
		}
		for _, address := range []string{bind, metrics} {
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
		}
		client.Leave()
		if status := s.Wait(t); status != 0 {
			t.Errorf("exit status %d", status)
		}
	}
}
