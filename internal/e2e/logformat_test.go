package e2e

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestLogInJSONIsAnObjectALineWithTracebacksInside(t *testing.T) {
	s := Start(t, Options{Target: "raises", Args: []string{"--log-format", "json"}})
	s.Client(t).Get("/?what=ValueError&where=call&id=1").Want(t, 500, "500 Internal Server Error\n")
	s.WaitLog(t, "application.raised")
	s.Stop(t)
	events := map[string]map[string]any{}
	for line := range strings.Lines(s.Log()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		event, _ := record["event"].(string)
		events[event] = record
	}
	for _, event := range []string{"gowsgi.starting", "gowsgi.ready", "gowsgi.stopped"} {
		if events[event]["level"] != "INFO" {
			t.Errorf("%s: %v", event, events[event])
		}
	}
	raised := events["application.raised"]
	traceback, _ := raised["traceback"].(string)
	if raised["level"] != "ERROR" || raised["worker"] != 1.0 || !strings.Contains(traceback, "\nValueError: deliberate 1") {
		t.Errorf("%v", raised)
	}
}

// syslogDaemon listens where a syslog daemon would, and collects what it gets.
func syslogDaemon(t *testing.T, network, address string) (url string, got *log) {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	got = newLog()
	go func() {
		for buf := make([]byte, 64<<10); ; {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			got.Write(buf[:n])
		}
	}()
	return strings.TrimSuffix(network, "gram") + "://" + conn.LocalAddr().String(), got
}

func TestLogGoesToSyslog(t *testing.T) {
	for network, address := range map[string]string{"udp": "127.0.0.1:0", "unixgram": filepath.Join(t.TempDir(), "log")} {
		t.Run(network, func(t *testing.T) {
			url, got := syslogDaemon(t, network, address)
			s := launch(t, Options{
				Target: "raises", Args: []string{"--log-syslog", "--log-syslog-to", url, "--log-syslog-facility", "local1"},
			})
			t.Cleanup(func() {
				if !s.stopped {
					s.Stop(t)
				}
			})
			s.waitText(t, got, "event=gowsgi.ready")
			s.Client(t).Get("/?what=ValueError&where=call&id=1").Want(t, 500, "500 Internal Server Error\n")
			s.waitText(t, got, "event=application.raised")
			s.Stop(t)
			text := s.waitText(t, got, "event=gowsgi.stopped")
			for _, pattern := range []string{ // local1 is 17: 136 and the severity
				`(?m)^<142>.* gowsgi\[\d+\]: level=INFO .*event=gowsgi\.ready`,
				`(?m)^<139>.* gowsgi\[\d+\]:   ValueError: deliberate 1$`,
				`(?m)^<139>.* gowsgi\[\d+\]: level=ERROR .*worker=1 event=application\.raised`,
			} {
				if !regexp.MustCompile(pattern).MatchString(text) {
					t.Errorf("no %s in\n%s", pattern, text)
				}
			}
			if log := s.Log(); log != "" {
				t.Errorf("on standard error: %q", log)
			}
		})
	}
}

func TestSyslogThatIsNotThereEndsTheStart(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "log")
	result := Run(t, Options{}, "--log-syslog", "--log-syslog-to", "unix://"+missing, "startup_app")
	if result.Status != 1 || strings.Count(result.Errors, "\n") != 1 ||
		!strings.Contains(result.Errors, missing) || !strings.Contains(result.Errors, "--log-syslog-to") {
		t.Errorf("status %d: %q", result.Status, result.Errors)
	}
}

func TestLogFilesAreMadeAndAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "error.log")
	write(t, path, "what was there\n")
	result := Run(t, Options{}, "--venv", PlainVenv(t), "--error-logfile", path, "--log-format", "json", "no_such_module")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var last struct {
		Event, Reason string
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatal(err)
	}
	if result.Status != 1 || lines[0] != "what was there" || last.Event != "gowsgi.failed" || !strings.Contains(last.Reason, "no_such_module") {
		t.Errorf("status %d: %s", result.Status, text)
	}
}
