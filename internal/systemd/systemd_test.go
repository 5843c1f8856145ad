package systemd

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// deadline is for what should happen at once.
const deadline = 20 * time.Second

// manager listens as systemd does; next returns the lines of what it is told.
func manager(t *testing.T) (next func() []string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "gowsgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(folder, "s"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	t.Setenv("NOTIFY_SOCKET", socket.LocalAddr().String())
	return func() []string {
		t.Helper()
		_ = socket.SetReadDeadline(time.Now().Add(deadline))
		text := make([]byte, 4096)
		n, err := socket.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(string(text[:n]), "\n")
	}
}

func notifier() (*Notifier, *bytes.Buffer) {
	var log bytes.Buffer
	return New(slog.New(slog.NewTextHandler(&log, nil))), &log
}

func TestSystemdIsToldWhatGowsgiDoes(t *testing.T) {
	next := manager(t)
	n, log := notifier()
	for _, c := range []struct {
		say  func()
		want []string
	}{
		{func() { n.Ready("2 workers") }, []string{"READY=1", "STATUS=2 workers"}},
		{func() { n.Ready("two\nSTOPPING=1") }, []string{"READY=1", "STATUS=two STOPPING=1"}},
		{func() { n.MainPID(123) }, []string{"MAINPID=123"}},
		{n.Alive, []string{"WATCHDOG=1"}},
		{func() { n.Stopping("SIGTERM") }, []string{"STOPPING=1", "STATUS=SIGTERM"}},
	} {
		c.say()
		if got := next(); !slices.Equal(got, c.want) {
			t.Errorf("it is told %q, want %q", got, c.want)
		}
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", log)
	}
}

func TestReloadCarriesItsTime(t *testing.T) {
	next := manager(t)
	n, _ := notifier()
	var times []int64
	for range 2 {
		n.Reloading()
		lines := next()
		text, ok := strings.CutPrefix(lines[1], "MONOTONIC_USEC=")
		usec, err := strconv.ParseInt(text, 10, 64)
		if lines[0] != "RELOADING=1" || !ok || err != nil {
			t.Fatalf("it is told %q", lines)
		}
		times = append(times, usec)
	}
	if times[0] <= 0 || times[1] < times[0] {
		t.Errorf("times %v", times)
	}
}

func TestWatchdogIsFedTwiceInItsTime(t *testing.T) {
	n, log := notifier()
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	select {
	case <-n.Watchdog():
	case <-time.After(deadline):
		t.Error("it does not tick")
	}
	t.Setenv("WATCHDOG_PID", "1")
	if n.Watchdog() != nil {
		t.Error("another process's watchdog")
	}
	t.Setenv("WATCHDOG_USEC", "")
	if n.Watchdog() != nil || log.Len() > 0 {
		t.Errorf("no watchdog, log %s", log)
	}
	t.Setenv("WATCHDOG_USEC", "often")
	if n.Watchdog() != nil || !strings.Contains(log.String(), "event=systemd.failed") {
		t.Errorf("log %s", log)
	}
}

func TestWithoutSystemdNothingHappensAndWithADeafOneTheLogSaysSoOnce(t *testing.T) {
	n, log := notifier()
	t.Setenv("NOTIFY_SOCKET", "")
	n.Ready("x")
	if log.Len() > 0 {
		t.Errorf("log %s", log)
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "missing"))
	n.Ready("x")
	n.Alive()
	if strings.Count(log.String(), "event=systemd.failed") != 1 {
		t.Errorf("log %s", log)
	}
}

func TestChildrenDoNotSpeakForGowsgi(t *testing.T) {
	environ := []string{
		"A=1", "NOTIFY_SOCKET=/run/s", "WATCHDOG_USEC=1", "WATCHDOG_PID=2",
		"LISTEN_FDS=1", "LISTEN_PID=2", "LISTEN_FDNAMES=x", "LISTEN_FDS_OLD=1",
	}
	if got := ForWorker(environ); !slices.Equal(got, []string{"A=1", "LISTEN_FDS_OLD=1"}) {
		t.Errorf("a worker gets %q", got)
	}
	if got := ForSuccessor(environ); !slices.Equal(got, []string{"A=1", "NOTIFY_SOCKET=/run/s", "WATCHDOG_USEC=1", "LISTEN_FDS_OLD=1"}) {
		t.Errorf("a new gowsgi gets %q", got)
	}
	if len(environ) != 8 {
		t.Errorf("the environment is %q", environ)
	}
}
