package logging

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const traceback = "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\nKeyError: 'x'\n"

// writes collects what each Write got.
type writes struct {
	mu    sync.Mutex
	calls []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, string(p))
	return len(p), nil
}

func TestTracebackIsReadableAndGoesOutInOneWriteWithItsRecord(t *testing.T) {
	var out writes
	New(&out, "info", false).Error("application failed", "event", "failed", "traceback", traceback, "worker", 1)
	if len(out.calls) != 1 {
		t.Fatalf("%d writes, want 1: %q", len(out.calls), out.calls)
	}
	want := "  Traceback (most recent call last):\n    File \"x.py\", line 1, in <module>\n  KeyError: 'x'\n" +
		`level=ERROR msg="application failed" event=failed worker=1` + "\n"
	got := out.calls[0]
	if start := strings.Index(got, "time="); start < 0 {
		t.Fatalf("no time in %q", got)
	} else if end := strings.Index(got, "level="); got[:start]+got[end:] != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestBlockBelongsToItsOwnRecordOnly(t *testing.T) {
	var out writes
	log := New(&out, "info", false)
	log.Error("first", "traceback", traceback)
	log.Info("second")
	if strings.Contains(out.calls[1], "Traceback") {
		t.Errorf("the second record repeats the block: %q", out.calls[1])
	}
}

func TestConcurrentRecordsKeepTheirBlocks(t *testing.T) {
	var out writes
	log := New(&out, "info", false)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			name := strings.Repeat("x", i+1)
			log.With("with", "attribute").Info("record", "block", name+"\nsecond line", "name", name)
		})
	}
	all.Wait()
	for _, call := range out.calls {
		block, _, _ := strings.Cut(strings.TrimSpace(call), "\n")
		if !strings.HasSuffix(call, " name="+block+"\n") {
			t.Errorf("block of another record: %q", call)
		}
	}
}

func TestNoValueCanPassItselfOffAsARecordOrMoveTheCursor(t *testing.T) {
	var out bytes.Buffer
	New(&out, "info", true).Info("request", "path", "/\x1b[2J", "message", "x\ntime=now level=INFO msg=forged\x1b[2J\x00\r\nend")
	if bytes.ContainsAny(out.Bytes(), "\x1b\x00\r") {
		t.Errorf("control characters in %q", out.String())
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "time=now") {
			t.Errorf("a forged record: %q", out.String())
		}
	}
}

func TestLevelsAreThoseOfGunicorn(t *testing.T) {
	for name, want := range map[string]slog.Level{
		"debug": -4, "info": 0, "warning": 4, "error": 8, "critical": 12, "ERROR": 8, "nonsense": 0,
	} {
		log := New(&bytes.Buffer{}, name, false)
		if !log.Enabled(t.Context(), want) || log.Enabled(t.Context(), want-1) {
			t.Errorf("level %s does not start at %v", name, want)
		}
	}
}

func TestLogFileIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "error.log")
	for range 2 {
		file, err := Open(path, os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		New(file, "info", Terminal(file)).Info("line")
		file.Close()
	}
	if text, _ := os.ReadFile(path); strings.Count(string(text), "msg=line\n") != 2 {
		t.Errorf("log holds %q", text)
	}
}

func TestLogFileThatCannotBeOpenedIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "error.log")
	if _, err := Open(path, os.Stderr); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %s", err, path)
	}
}

func TestDashIsStandardError(t *testing.T) {
	for _, path := range []string{"-", ""} {
		if file, err := Open(path, os.Stderr); file != os.Stderr || err != nil {
			t.Errorf("Open(%q) = %v, %v", path, file, err)
		}
	}
}
