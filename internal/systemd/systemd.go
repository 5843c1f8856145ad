// Package systemd tells systemd what gowsgi is doing (sd_notify), for units of
// Type=notify and notify-reload and with WatchdogSec=. Its sockets are package
// listen's.
//
// go-systemd's daemon speaks the protocol, which is a datagram with a few lines
// to $NOTIFY_SOCKET; what it does not have is here: the time of a reload, and
// taking its variables away from children. Compared: okzk/sdnotify, which has
// less.
package systemd

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Notifier speaks to systemd; to nobody where $NOTIFY_SOCKET is not set. It is
// for one goroutine at a time.
type Notifier struct {
	log  *slog.Logger
	deaf bool // it could not be reached, and the log says so
}

// New returns a Notifier that logs when systemd cannot be reached.
func New(log *slog.Logger) *Notifier { return &Notifier{log: log} }

// Ready says that gowsgi serves: after its start, and after a reload.
func (n *Notifier) Ready(status string) { n.tell(daemon.SdNotifyReady, statusLine(status)) }

// Reloading says that a reload begins; Ready must follow, also if it failed.
// systemd wants the time, so that it can tell the answer to its own signal from
// one before.
func (n *Notifier) Reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		n.tell(daemon.SdNotifyReloading)
		return
	}
	n.tell(daemon.SdNotifyReloading, fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/int64(time.Microsecond)))
}

// Stopping says that gowsgi stops.
func (n *Notifier) Stopping(status string) { n.tell(daemon.SdNotifyStopping, statusLine(status)) }

// MainPID says that another process is the service from now on. The one that
// systemd takes for it must say so; only then will it listen to the other.
func (n *Notifier) MainPID(pid int) { n.tell(fmt.Sprintf("MAINPID=%d", pid)) }

// Status changes what systemctl status shows.
func (n *Notifier) Status(status string) { n.tell(statusLine(status)) }

// Alive is for each tick of Watchdog.
func (n *Notifier) Alive() { n.tell(daemon.SdNotifyWatchdog) }

// Watchdog ticks twice in the time after which systemd takes gowsgi for stuck.
// It is nil, which never ticks, if systemd does not look after that.
func (n *Notifier) Watchdog() <-chan time.Time {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		n.log.Warn("systemd's watchdog gets no answer", "event", "systemd.failed", "error", err.Error())
	}
	if err != nil || interval == 0 {
		return nil
	}
	return time.Tick(interval / 2)
}

// statusLine keeps a text from being taken for more than one line.
func statusLine(text string) string {
	return "STATUS=" + strings.ReplaceAll(text, "\n", " ")
}

func (n *Notifier) tell(lines ...string) {
	_, err := daemon.SdNotify(false, strings.Join(lines, "\n"))
	if err != nil && !n.deaf {
		n.log.Warn("systemd cannot be told what gowsgi does", "event", "systemd.failed", "error", err.Error())
	}
	n.deaf = err != nil
}

// ours are the variables by which systemd speaks to gowsgi alone.
var ours = []string{
	"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
	"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
}

// ForWorker is an environment without systemd's variables: an application that
// found them would speak in gowsgi's name.
func ForWorker(environ []string) []string { return without(environ, ours...) }

// ForSuccessor is an environment for the gowsgi that takes this one's place,
// whose watchdog would not bark for another process.
func ForSuccessor(environ []string) []string {
	return without(environ, "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
}

func without(environ []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(names, name)
	})
}
