package supervisor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// upgradable starts a supervisor. turn says how the workers of the gowsgi after
// the next SIGUSR2 behave.
func upgradable(t *testing.T, workers int) (p *process, turn func(way string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "behave")
	p = started(t, settings(workers, behaveFile+"="+path))
	return p, func(way string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(way), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// successor is the process id of the new gowsgi that the log names.
func (p *process) successor() int {
	p.t.Helper()
	p.waitLog("event=upgrade.started")
	_, rest, _ := strings.Cut(p.log.String(), "event=upgrade.started pid=")
	number, _, _ := strings.Cut(rest, " ")
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
			p, turn := upgradable(t, 2)
			turn(c.way)
			p.signal(syscall.SIGUSR2)
			if c.stop {
				p.waitLogs("event=application.loaded", 3)
				if err := syscall.Kill(p.successor(), syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			p.waitLog("event=upgrade.failed")
			if _, err := ask(p.address(1)); err != nil {
				t.Errorf("the old gowsgi serves no more: %v", err)
			}
			p.signal(syscall.SIGTERM)
			p.stops()
		})
	}
}
