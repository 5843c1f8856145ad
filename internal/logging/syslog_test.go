package logging

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what should happen at once.
const patience = 30 * time.Second

// daemon is a syslog daemon: what it gets arrives in messages.
type daemon struct {
	url      string
	messages chan string
	stop     func()
}

func datagramDaemon(t *testing.T, network, address string) *daemon {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{messages: make(chan string, 10_000), stop: func() { conn.Close() }}
	t.Cleanup(d.stop)
	d.url = strings.TrimSuffix(network, "gram") + "://" + conn.LocalAddr().String()
	go func() {
		defer close(d.messages)
		for buf := make([]byte, 64<<10); ; {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			d.messages <- string(buf[:n])
		}
	}()
	return d
}

func streamDaemon(t *testing.T, address string) *daemon {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns []net.Conn
	d := &daemon{url: "tcp://" + listener.Addr().String(), messages: make(chan string, 10_000)}
	d.stop = func() {
		listener.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range conns {
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	}
	t.Cleanup(d.stop)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			go func() {
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					d.messages <- lines.Text() + "\n"
				}
			}()
		}
	}()
	return d
}

func (d *daemon) next(t *testing.T) string {
	t.Helper()
	select {
	case message, ok := <-d.messages:
		if !ok {
			t.Fatal("the daemon has stopped")
		}
		return message
	case <-time.After(patience):
		t.Fatal("no message")
		return ""
	}
}

// logTo logs to the daemon at url; local gets what cannot be sent.
func logTo(t *testing.T, url, facility string) (log *slog.Logger, local *writes, s *Syslog) {
	t.Helper()
	s = NewSyslog(url, facility)
	t.Cleanup(s.Close)
	local = &writes{}
	return New(Options{To: local, Syslog: s, Level: "debug"}).With("worker", 1), local, s
}

func (w *writes) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.calls, "")
}

func TestSyslogGetsEachLineWithItsPriority(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "log")
	for name, start := range map[string]func() *daemon{
		"unix": func() *daemon { return datagramDaemon(t, "unixgram", socket) },
		"udp":  func() *daemon { return datagramDaemon(t, "udp", "127.0.0.1:0") },
		"tcp":  func() *daemon { return streamDaemon(t, "127.0.0.1:0") },
	} {
		t.Run(name, func(t *testing.T) {
			d := start()
			log, local, s := logTo(t, d.url, "local3")
			if err := s.Connect(); err != nil {
				t.Fatal(err)
			}
			log.Error("failed", "traceback", traceback)
			log.Debug("well")
			log.Log(t.Context(), LevelCritical, "the end")
			const local3 = 19 << 3
			for _, want := range []struct {
				severity int
				text     string
			}{
				{3, "level=ERROR msg=failed worker=1"},
				{3, "  Traceback (most recent call last):"},
				{3, `    File "x.py", line 1, in <module>`},
				{3, "  KeyError: 'x'"},
				{7, "level=DEBUG msg=well worker=1"},
				{2, `level=CRITICAL msg="the end" worker=1`},
			} {
				pattern := fmt.Sprintf(`^<%d>.*\bgowsgi\[%d\]: %s\n$`, local3+want.severity, os.Getpid(), regexp.QuoteMeta(want.text))
				if got := d.next(t); !regexp.MustCompile(pattern).MatchString(got) {
					t.Errorf("got %q, want %s", got, pattern)
				}
			}
			if text := local.text(); text != "" {
				t.Errorf("written elsewhere: %q", text)
			}
		})
	}
}

func TestSyslogThatCannotBeReachedIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := NewSyslog("unix://"+path, "user")
	defer s.Close()
	err := s.Connect()
	if err == nil || !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), path) != 1 || !strings.Contains(err.Error(), "--log-syslog-to") {
		t.Errorf("the error is %v", err)
	}
}

func TestRecordsGoElsewhereWhileSyslogIsAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	d := datagramDaemon(t, "unixgram", path)
	log, local, _ := logTo(t, d.url, "user")
	log.Info("one")
	d.next(t)
	d.stop()
	os.Remove(path)
	await(t, "the log goes on elsewhere", func() bool {
		log.Info("two", "traceback", traceback)
		return strings.Count(local.text(), "msg=two worker=1") > 2
	})
	text := local.text()
	if strings.Count(text, "event=syslog.lost") != 1 || !strings.Contains(text, "  KeyError: 'x'\ntime=") {
		t.Errorf("elsewhere: %q", text)
	}
	d = datagramDaemon(t, "unixgram", path)
	await(t, "the log goes to syslog again", func() bool {
		log.Info("three")
		return strings.Contains(local.text(), "event=syslog.back")
	})
	if got := d.next(t); !strings.Contains(got, "msg=three") {
		t.Errorf("syslog gets %q", got)
	}
}

func TestSyslogThatDoesNotReadStopsNobody(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts, in the kernel, and never reads
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	log, local, _ := logTo(t, "tcp://"+listener.Addr().String(), "user")
	long := strings.Repeat("x", 16<<10)
	const records = 5000 // more than socket and queue hold
	for range records {
		log.Info(long)
	}
	text := local.text()
	if strings.Count(text, "event=syslog.lost") != 1 || strings.Count(text, "msg="+long) == 0 {
		t.Errorf("%d bytes elsewhere", len(text))
	}
}

func TestWhatIsLoggedBeforeCloseIsSentAndAfterItGoesElsewhere(t *testing.T) {
	d := datagramDaemon(t, "udp", "127.0.0.1:0")
	s := NewSyslog(d.url, "user")
	var local writes
	log := New(Options{To: &local, Syslog: s, Format: "json"})
	log.Info("before")
	s.Close()
	log.Info("after")
	if got := d.next(t); !strings.Contains(got, `"msg":"before"`) {
		t.Errorf("syslog gets %q", got)
	}
	if text := local.text(); !strings.Contains(text, `"msg":"after"`) || strings.Contains(text, "before") {
		t.Errorf("elsewhere: %q", text)
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for expired := time.After(patience); !condition(); {
		select {
		case <-tick.C:
		case <-expired:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
