package supervisor

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
)

// upgradable starts a supervisor. turn says how workers behave that are started
// from then on.
func upgradable(t *testing.T, s config.Settings) (p *process, turn func(way string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "behave")
	s.Env = append(s.Env, behaveFile+"="+path)
	return started(t, s), func(way string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(way), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// successor is the process id of the nth new gowsgi that the log names.
func (p *process) successor(n int) int {
	p.t.Helper()
	p.waitLogs("event=upgrade.started", n)
	number, _, _ := strings.Cut(strings.Split(p.log.String(), "event=upgrade.started pid=")[n], " ")
	pid, err := strconv.Atoi(number)
	if err != nil {
		p.t.Fatal(err)
	}
	return pid
}

// Some of its workers serve already, on sockets that are still the old one's.
func TestNewGowsgiThatEndsBeforeItServesLeavesTheOldOneItsSockets(t *testing.T) {
	for name, c := range map[string]struct {
		way  string
		stop bool
	}{
		"stopped": {secondOut, true},
		"failed":  {secondBad, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, turn := upgradable(t, settings(2))
			turn(c.way)
			p.signal(syscall.SIGUSR2)
			if c.stop {
				p.waitLogs("event=application.loaded", 3)
				if err := syscall.Kill(p.successor(1), syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			p.waitLog("event=upgrade.failed")
			p.waitLog("logs handed to those with threads=8") // the new one's may have had them
			if _, err := ask(p.address(1)); err != nil {
				t.Errorf("the old gowsgi serves no more: %v", err)
			}
			p.signal(syscall.SIGTERM)
			p.stops()
		})
	}
}

func TestStopDuringAnUpgradeEndsBothAndIsNoFailure(t *testing.T) {
	p, turn := upgradable(t, settings(1, behave+"="+patient))
	turn(neverDone)
	p.signal(syscall.SIGUSR2)
	p.waitLogs("event=worker.started", 2)
	p.begin() // so that the old one waits, and hears of the new one's end
	p.signal(syscall.SIGTERM)
	p.eventually("the new one has ended", func() bool { return syscall.Kill(p.successor(1), 0) != nil })
	p.signal(syscall.SIGQUIT)
	p.stops()
	if strings.Contains(p.log.String(), "goes on") {
		t.Error("the log says that the old gowsgi goes on")
	}
}

// systemd, told that the service stops, would kill the gowsgi that goes on.
func TestSystemdIsNotToldOfAStopWhileTheOtherGowsgiServes(t *testing.T) {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(socketFolder(t), "s"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", socket.LocalAddr().String())
	// told reads what systemd is told until it is this.
	told := func(until string) {
		t.Helper()
		_ = socket.SetReadDeadline(time.Now().Add(deadline))
		for text := make([]byte, 4096); ; {
			n, err := socket.Read(text)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(text[:n]), "\n")
			if slices.Contains(lines, until) {
				return
			}
			if slices.Contains(lines, "STOPPING=1") {
				t.Errorf("systemd is told %q", lines)
			}
		}
	}
	s := settings(2)
	s.GracefulTimeout = 0
	p, turn := upgradable(t, s)
	told("READY=1")

	turn(secondOut)
	p.signal(syscall.SIGUSR2)
	p.waitLogs("event=application.loaded", 3)
	if err := syscall.Kill(p.successor(1), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.waitLog("event=upgrade.failed")
	turn(patient)
	p.signal(syscall.SIGUSR2)
	p.waitLog("event=upgrade.done")
	p.stops()
	if _, err := socket.WriteTo([]byte("the old one has ended"), socket.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	told("the old one has ended")
	if err := syscall.Kill(p.successor(2), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	told("STOPPING=1") // now the service stops
}
