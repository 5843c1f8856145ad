package accesslog

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
)

// open opens an access log for the test; with the path -, it goes to
// standard.
func open(t testing.TB, path, format string, standard *os.File, log *slog.Logger) *Log {
	t.Helper()
	s := config.Defaults()
	s.AccessLogfile, s.AccessLogformat = path, format
	a, err := Open(s, standard, 3, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// number names requests.
type number string

func (n number) AppendID(b []byte) []byte { return append(b, n...) }

// entryFor is that of a request that is over.
func entryFor(target string) *Entry {
	return &Entry{
		Time: time.Date(2026, 11, 21, 12, 17, 14, 7_008_900, time.FixedZone("", -3600)), Named: number("a-1"),
		Client: Address{"127.0.0.1", "4711"}, Server: Address{"127.0.0.2", "8000"},
		Method: "GET", URI: target, Proto: "HTTP/1.1", Host: "example.com", Scheme: "http", Header: http.Header{},
		Status: 200, Fields: [][2]string{{"x-answer", "42"}}, Length: -1, BytesOut: 12, Before: 2,
	}
}

// lines waits until the file has so many lines and returns them.
func lines(t *testing.T, path string, count int) []string {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for expired := time.After(30 * time.Second); ; {
		text, _ := os.ReadFile(path)
		if strings.Count(string(text), "\n") >= count {
			return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		}
		select {
		case <-tick.C:
		case <-expired:
			t.Fatalf("only %q", text)
		}
	}
}

func TestLineIsWrittenThoughNoOtherFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	a := open(t, path, "common", nil, nil)
	for i := 1; i <= 3; i++ { // so the timer is set more than once
		a.Write(entryFor("/"), nil)
		if got := lines(t, path, i); len(got) != i {
			t.Errorf("%q", got)
		}
	}
}

func TestEachWriteIsOfWholeLinesAndShortEnoughToStayTogether(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0) // a message is a write
	if err != nil {
		t.Skip(err)
	}
	reader, writer := os.NewFile(uintptr(fds[0]), "reader"), os.NewFile(uintptr(fds[1]), "writer")
	defer reader.Close()
	a := open(t, "-", "%r", writer, nil)
	const clients, each = 10, 200
	var wrote sync.WaitGroup
	for range clients {
		wrote.Go(func() {
			for i := range each {
				a.Write(entryFor("/"+strings.Repeat("x", i)), nil)
			}
		})
	}
	wrote.Go(func() { a.Write(entryFor("/"+strings.Repeat("y", 10_000)), nil) })
	go func() {
		wrote.Wait()
		a.Close()
		writer.Close()
	}()
	count, writes := 0, 0
	for buf := make([]byte, 64<<10); ; writes++ {
		n, err := reader.Read(buf)
		if n == 0 || err != nil {
			break
		}
		text := string(buf[:n])
		if alone := strings.Contains(text, "yyy") && strings.Count(text, "\n") == 1; n > 4096 && !alone {
			t.Errorf("a write of %d bytes", n)
		}
		for line := range strings.Lines(text) {
			count++
			if !strings.HasPrefix(line, "GET /") || !strings.HasSuffix(line, " HTTP/1.1\n") {
				t.Errorf("no whole line: %q", line)
			}
		}
	}
	if count != clients*each+1 || writes > count/4 {
		t.Errorf("%d lines in %d writes", count, writes)
	}
}

func TestReopenedAccessLogLosesNoLine(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "access.log")
	a := open(t, path, "%U", nil, nil)
	a.Write(entryFor("/before"), nil)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := a.Reopen(); err != nil {
		t.Fatal(err)
	}
	a.Write(entryFor("/after"), nil)
	a.Close()
	if old, now := lines(t, path+".1", 1), lines(t, path, 1); old[0] != "/before" || now[0] != "/after" {
		t.Errorf("%q, %q", old, now)
	}
}

func TestLinesAfterCloseAreWrittenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	a := open(t, path, "%U", nil, nil)
	a.Close()
	a.Write(entryFor("/late"), nil)
	if text, _ := os.ReadFile(path); string(text) != "/late\n" {
		t.Errorf("%q", text)
	}
}

func TestNoAccessLogCanBeClosedAndReopened(t *testing.T) {
	a, err := Open(config.Defaults(), os.Stdout, 1, nil)
	if a != nil || err != nil {
		t.Fatalf("%v, %v", a, err)
	}
	a.Close()
	if err := a.Reopen(); err != nil {
		t.Error(err)
	}
}

func TestAccessLogThatCannotBeWrittenIsLoggedOnce(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	var out bytes.Buffer
	a := open(t, "/dev/full", "%U", nil, slog.New(slog.NewTextHandler(&out, nil)))
	a.Close()
	for range 3 {
		a.Write(entryFor("/"), nil)
	}
	if text := out.String(); strings.Count(text, "event=access_log.failed") != 1 || !strings.Contains(text, "no space") {
		t.Errorf("%q", text)
	}
}

func TestLinesThatAreLostAreCountedWhenWritingWorksAgain(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := open(t, path, "%U", nil, slog.New(slog.NewTextHandler(&out, nil)))
	a.Close()
	for range 3 {
		a.Write(entryFor("/"), nil)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := a.Reopen(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a.Write(entryFor("/"), nil)
	}
	if text := out.String(); strings.Count(text, "event=access_log.back lost=3\n") != 1 {
		t.Errorf("%q", text)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "/\n/\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestLinesCostNoMemory(t *testing.T) {
	for format, most := range map[string]float64{"combined": 0, config.Defaults().AccessLogformat: 0, "json": 0} {
		a := open(t, filepath.Join(t.TempDir(), "access.log"), format, nil, nil)
		x := entryFor("/path?query")
		x.Header["User-Agent"] = []string{"curl/8.0"}
		line := a.Write(x, nil) // makes the buffer
		if got := testing.AllocsPerRun(1000, func() { line = a.Write(x, line) }); got > most {
			t.Errorf("%s: %v allocations", format, got)
		}
	}
}

func BenchmarkAccessLine(b *testing.B) {
	for _, format := range []string{config.Defaults().AccessLogformat, "combined", "json"} {
		b.Run(fmt.Sprintf("%.8s", format), func(b *testing.B) {
			a := open(b, filepath.Join(b.TempDir(), "access.log"), format, nil, nil)
			x := entryFor("/path?query")
			x.Header["User-Agent"] = []string{"curl/8.0"}
			b.ReportAllocs()
			var line []byte
			for b.Loop() {
				line = a.Write(x, line)
			}
		})
	}
}
