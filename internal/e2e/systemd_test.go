package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// manager is systemd as a service sees it: a socket that it is told things on.
type manager struct {
	path string
	told *log // one line for each line that came
}

func startManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{path: filepath.Join(shortFolder(t), "notify"), told: newLog()}
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		message := make([]byte, 4096)
		for {
			n, err := socket.Read(message)
			if err != nil {
				return
			}
			_, _ = m.told.Write(append(message[:n], '\n'))
		}
	}()
	return m
}

// Told waits until it has been told a text so many times.
func (m *manager) Told(t *testing.T, text string, times int) {
	t.Helper()
	Eventually(t, "systemd is told "+text, func() bool { return strings.Count(m.told.String(), text) >= times })
}

// ToldAgain waits until it is told a text so many times more.
func (m *manager) ToldAgain(t *testing.T, text string, times int) {
	t.Helper()
	m.Told(t, text, strings.Count(m.told.String(), text)+times)
}

// Mark sends it a line, and returns what it had been told when that came. The
// socket keeps the order, so nothing from before is still to come.
func (m *manager) Mark(t *testing.T, line string) (before string) {
	t.Helper()
	conn, err := net.Dial("unixgram", m.path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(line)); err != nil {
		t.Fatal(err)
	}
	m.Told(t, line, 1)
	before, _, _ = strings.Cut(m.told.String(), line)
	return before
}

// States are what it was told of the service, in order.
func (m *manager) States() []string {
	return regexp.MustCompile(`(?m)^(READY|RELOADING|STOPPING)=1$`).FindAllString(m.told.String(), -1)
}

// monotonic is the clock of MONOTONIC_USEC, in microseconds.
func monotonic(t *testing.T) int64 {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	return now.Nano() / 1000
}

// stopped tells whether a process stands still (SIGSTOP).
func stopped(pid int) bool {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat") // gone is not stopped
	return strings.Contains(string(stat), ") T ")
}

// aService waits at a gate before it is loaded, and tells its process, and which
// of systemd's variables it can see.
const aService = `
import os
import time

from contract import parameters, plain, wait_at

wait_at(os.environ["GATE"])


def application(environ, start_response):
    time.sleep(float(parameters(environ).get("pause", "0")))
    names = [name for name in os.environ if name.startswith(("LISTEN_", "NOTIFY_", "WATCHDOG_"))]
    return plain(start_response, f"{os.getpid()} {names}")
`

// asService starts the program as systemd does: its own process id is in
// variables that only it can know.
func asService(t *testing.T, m *manager, variables string, files ...*os.File) (*Server, *Gate) {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "service.py"), aService)
	gate := Contract{folder: folder, keys: new(atomic.Int64)}.Gate(t)
	s := launch(t, Options{
		Target: "service", Dir: folder, Free: true, Args: []string{"--pythonpath", Testapps()},
		Env: []string{"NOTIFY_SOCKET=" + m.path, "GATE=" + gate.Path},
		Wrap: func(cmd *exec.Cmd) {
			cmd.Args = append([]string{"sh", "-c", "export " + variables + `; exec "$@"`, "sh"}, cmd.Args...)
			cmd.Path = "/bin/sh"
			cmd.ExtraFiles = files
		},
	})
	t.Cleanup(func() {
		if !s.stopped {
			_ = syscall.Kill(s.PID(), syscall.SIGCONT) // if the test has failed while it stood still
			s.Stop(t)
		}
		if t.Failed() {
			t.Logf("systemd was told:\n%s\nthe log:\n%s", m.told, s.Log())
		}
	})
	return s, gate
}

// The units of docs/operating.md, which internal/systemd has checked.
func TestServiceOfSystemdFromItsStartToItsEnd(t *testing.T) {
	t.Parallel() // it mostly waits
	m, sockets := startManager(t), openPassed(t)
	s, gate := asService(t, m, "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:web WATCHDOG_PID=$$ WATCHDOG_USEC=200000", sockets.files...)
	answers := func(path string) (worker string) {
		t.Helper()
		for _, socket := range []*Server{sockets.tcp, sockets.unix} {
			body := socket.Client(t).Get(path).Body
			pid, seen, _ := strings.Cut(body, " ")
			if seen != "[]" {
				t.Errorf("the application could speak to systemd: it sees %q", body)
			}
			worker = pid
		}
		return worker
	}

	// It lives while it starts, and is not ready before the application is loaded.
	m.Told(t, "WATCHDOG=1", 3)
	if states := m.States(); len(states) > 0 {
		t.Errorf("nothing is loaded, and systemd was told %v", states)
	}
	gate.Open(1)
	m.Told(t, "READY=1", 1)
	first := answers("/")

	// While it reloads it lives, and the old worker serves.
	began := monotonic(t)
	s.Signal(t, syscall.SIGHUP)
	m.Told(t, "RELOADING=1", 1)
	m.ToldAgain(t, "WATCHDOG=1", 3)
	if states := m.States(); !slices.Equal(states, []string{"READY=1", "RELOADING=1"}) {
		t.Errorf("while the new worker loads, systemd was told %v", states)
	}
	if worker := answers("/"); worker != first {
		t.Errorf("process %s answers while it loads, and not %s", worker, first)
	}
	since := regexp.MustCompile(`RELOADING=1\nMONOTONIC_USEC=(\d+)\n`).FindStringSubmatch(m.told.String())
	if since == nil {
		t.Fatal("systemd was not told when the reload began")
	}
	if at, _ := strconv.ParseInt(since[1], 10, 64); at < began || at > monotonic(t) {
		t.Errorf("the reload began at %d, which is not after %d", at, began)
	}
	gate.Open(1)
	m.Told(t, "READY=1", 2)
	Eventually(t, "the new worker answers", func() bool { return answers("/") != first })

	// The watchdog is to notice that gowsgi itself stands still, whatever its
	// workers do.
	s.Signal(t, syscall.SIGSTOP)
	Eventually(t, "gowsgi stands still", func() bool { return stopped(s.PID()) })
	before := m.Mark(t, "MARK=1")
	answers("/?pause=0.3") // longer than a watchdog's time
	if after := m.Mark(t, "MARK=2"); after != before+"MARK=1\n" {
		t.Errorf("gowsgi stands still, and systemd was told %q", strings.TrimPrefix(after, before))
	}
	s.Signal(t, syscall.SIGCONT)
	m.ToldAgain(t, "WATCHDOG=1", 2)

	s.Stop(t)
	m.Mark(t, "MARK=3")
	if states := m.States(); !slices.Equal(states, []string{"READY=1", "RELOADING=1", "READY=1", "STOPPING=1"}) {
		t.Errorf("systemd was told %v", states)
	}
	sockets.StillListen(t)
}

// Such variables are left over from a service that started this one.
func TestWatchdogOfAnotherProcessIsNotFed(t *testing.T) {
	m, sockets := startManager(t), openPassed(t)
	s, gate := asService(t, m, "LISTEN_PID=$$ LISTEN_FDS=2 WATCHDOG_PID="+strconv.Itoa(os.Getpid())+" WATCHDOG_USEC=20000", sockets.files...)
	gate.Open(2)
	m.Told(t, "READY=1", 1)
	s.Signal(t, syscall.SIGHUP)
	m.Told(t, "READY=1", 2)
	s.Stop(t)
	if told := m.Mark(t, "MARK=1"); strings.Contains(told, "WATCHDOG") || !strings.Contains(told, "STOPPING=1") {
		t.Errorf("systemd was told %s", told)
	}
}
