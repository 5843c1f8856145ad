package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
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

// jsonRecords are all lines of a log, none of which may be anything else.
func jsonRecords(t *testing.T, log string) (records []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil || record["level"] == nil || record["event"] == nil {
			t.Errorf("%v: %q", err, line)
		}
		records = append(records, record)
	}
	return records
}

func TestLogInJSONIsJSONToTheLastWords(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "crashes_at_import.py"), "import ctypes\nctypes.string_at(0)\n")
	write(t, filepath.Join(folder, "settings.toml"), "log_format = \"json\"\nworkers = \"x\"\n")
	for name, test := range map[string]struct {
		args              []string
		status            int
		reason, traceback string
	}{
		"settings":               {[]string{"--log-format", "json", "--workers", "x", "startup_app"}, 2, "workers", ""},
		"settings in a file":     {[]string{"-c", filepath.Join(folder, "settings.toml"), "--threads", "y", "startup_app"}, 2, "threads", ""},
		"no folder":              {[]string{"--log-format", "json", "--chdir", filepath.Join(folder, "missing"), "startup_app"}, 2, "missing", ""},
		"no module":              {[]string{"--log-format", "json", "--venv", PlainVenv(t), "no_such_module"}, 1, "no_such_module", ""},
		"an exception":           {[]string{"--log-format", "json", "--venv", PlainVenv(t), "startup_raises"}, 1, "deliberate, at import", "\nRuntimeError: deliberate"},
		"a crash while it loads": {[]string{"--log-format", "json", "--venv", PlainVenv(t), "--pythonpath", folder, "crashes_at_import"}, 1, "was killed by SIGSEGV", " in string_at\n"},
	} {
		t.Run(name, func(t *testing.T) {
			result := Run(t, Options{Dir: Testapps()}, append([]string{"-b", freeAddr(t)}, test.args...)...)
			records := jsonRecords(t, result.Errors)
			if result.Status != test.status || len(records) == 0 {
				t.Fatalf("exit status %d: %s", result.Status, result.Errors)
			}
			last := records[len(records)-1]
			reason, _ := last["reason"].(string)
			traceback, _ := last["traceback"].(string)
			if last["event"] != "gowsgi.failed" || last["level"] != "ERROR" || !strings.Contains(reason, test.reason) ||
				!strings.Contains(traceback, test.traceback) || (traceback == "") != (test.traceback == "") {
				t.Errorf("%v", last)
			}
		})
	}
}

// What ends the start is as serious in systemd's journal as it is.
func TestLastWordsHaveTheirPriorityInTheJournal(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		lines int
	}{
		"settings":     {[]string{"--workers", "x", "startup_app"}, 1},
		"no module":    {[]string{"no_such_module"}, 1},
		"an exception": {[]string{"startup_raises"}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			reader, journal, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			var stat syscall.Stat_t
			if err := syscall.Fstat(int(journal.Fd()), &stat); err != nil {
				t.Fatal(err)
			}
			result := Run(t, Options{Dir: Testapps(), Env: []string{fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, stat.Ino)}, Wrap: func(cmd *exec.Cmd) {
				cmd.Stderr = journal
			}}, append([]string{"-b", freeAddr(t), "--venv", PlainVenv(t), "--log-level", "critical"}, c.args...)...)
			journal.Close()
			text, err := io.ReadAll(reader)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			if result.Status == 0 || len(lines) < c.lines || !strings.HasPrefix(lines[len(lines)-1], "<3>gowsgi: ") {
				t.Errorf("status %d, %q", result.Status, text)
			}
			for _, line := range lines {
				if !strings.HasPrefix(line, "<3>") {
					t.Errorf("%q", line)
				}
			}
		})
	}
}

// A number without its unit would be nanoseconds to one reader and seconds to the next.
func TestTimesInJSONHaveTheirUnitInTheKey(t *testing.T) {
	s := startContract(t, "pool_threads", modes[0], "--log-format", "json", "--graceful-timeout", "7", "--timeout-grace", "1", "--timeout", "1")
	gate, key := s.Gate(t), s.Key()
	running := Dial(t, s.Server)
	running.Send("GET /wait?id=" + key + "&gate=" + gate.Path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	s.WaitNotes(t, key, "called")
	s.WaitLog(t, `"event":"request.timeout"`)
	gate.Open(1)
	s.Signal(t, syscall.SIGTERM)
	s.Wait(t)
	stopping := false
	for _, record := range jsonRecords(t, s.Log()) {
		if record["event"] == "gowsgi.stopping" {
			stopping = record["timeout_seconds"] == 7.0
		}
		for key, value := range record {
			if number, ok := value.(float64); ok && number >= 1e6 && key != "pid" {
				t.Errorf("%s is %v in %v", key, number, record)
			}
		}
	}
	if !stopping {
		t.Error("gowsgi.stopping does not say how long it takes at most")
	}
}

func TestCrashIsARecordInJSON(t *testing.T) {
	s := startContract(t, "crashes", modes[2], "--log-format", "json")
	victim := Dial(t, s.Server)
	victim.Send("GET /null HTTP/1.1\r\nHost: x\r\n\r\n")
	victim.WantBroken("GET")
	s.WaitLog(t, `"event":"worker.died"`)
	s.Signal(t, syscall.SIGTERM)
	if status := s.Wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, record := range jsonRecords(t, s.Log()) {
		if record["event"] != "worker.died" {
			continue
		}
		report, _ := record["report"].(string)
		if !strings.HasPrefix(report, "gowsgi: crash: SIGSEGV ") || !strings.Contains(report, "which crashed, was running GET /null\n") || !strings.Contains(report, " in string_at\n") {
			t.Errorf("%v", record)
		}
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
