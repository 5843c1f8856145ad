package logging

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
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
	New(Options{To: &out}).Error("application failed", "event", "failed", "traceback", traceback, "worker", 1)
	if len(out.calls) != 1 {
		t.Fatalf("%d writes, want 1: %q", len(out.calls), out.calls)
	}
	want := `level=ERROR msg="application failed" event=failed worker=1` +
		"\n  Traceback (most recent call last):\n    File \"x.py\", line 1, in <module>\n  KeyError: 'x'\n"
	got := out.calls[0]
	if start := strings.Index(got, "time="); start < 0 {
		t.Fatalf("no time in %q", got)
	} else if end := strings.Index(got, "level="); got[:start]+got[end:] != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestBlockBelongsToItsOwnRecordOnly(t *testing.T) {
	var out writes
	log := New(Options{To: &out})
	log.Error("first", "traceback", traceback)
	log.Info("second")
	if strings.Contains(out.calls[1], "Traceback") {
		t.Errorf("the second record repeats the block: %q", out.calls[1])
	}
}

func TestConcurrentRecordsKeepTheirBlocks(t *testing.T) {
	var out writes
	log := New(Options{To: &out})
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			name := strings.Repeat("x", i+1)
			log.With("with", "attribute").Info("record", "stack", name+"\nsecond line", "name", name)
		})
	}
	all.Wait()
	for _, call := range out.calls {
		line, block, _ := strings.Cut(call, "\n  ")
		if first, _, _ := strings.Cut(block, "\n"); !strings.HasSuffix(line, " name="+first) {
			t.Errorf("block of another record: %q", call)
		}
	}
}

func TestValuesOfSeveralLinesKeepTheirNames(t *testing.T) {
	var out bytes.Buffer
	New(Options{To: &out}).Error("slow", "event", "logged", "sql", "select *\nfrom orders\n", "of\n", "a\nb", "traceback", "Traceback\n  line")
	_, got, _ := strings.Cut(out.String(), " level=")
	if want := "ERROR msg=slow event=logged\n  sql=\n    select *\n    from orders\n  of\\n=\n    a\n    b\n  Traceback\n    line\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestMessageOfSeveralLinesGoesOnBelowItsRecord(t *testing.T) {
	var out writes
	New(Options{To: &out}).Error("[app] failed\nTraceback:\n\ttime=now level=INFO msg=forged\n", "event", "failed")
	_, got, _ := strings.Cut(out.calls[0], "level=")
	if want := "ERROR msg=\"[app] failed\" event=failed\n  Traceback:\n  \ttime=now level=INFO msg=forged\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestNoValueCanPassItselfOffAsARecordOrMoveTheCursor(t *testing.T) {
	var out bytes.Buffer
	New(Options{To: &out}).Info("request", "path", "/\x1b[2J", "message", "x\ntime=now level=INFO msg=forged\x1b[2J\x00\r\nend")
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
		log := New(Options{To: &bytes.Buffer{}, Level: name})
		if !log.Enabled(t.Context(), want) || log.Enabled(t.Context(), want-1) {
			t.Errorf("level %s does not start at %v", name, want)
		}
	}
}

func TestLevelsOfPythonKeepTheirOrder(t *testing.T) {
	for python, want := range map[int]slog.Level{
		10: slog.LevelDebug, 20: slog.LevelInfo, 25: slog.LevelInfo + 2, 30: slog.LevelWarn, 40: slog.LevelError, 50: LevelCritical,
	} {
		if got := LevelOf(python); got != want {
			t.Errorf("%d is %v, want %v", python, got, want)
		}
	}
	var out bytes.Buffer
	New(Options{To: &out}).Log(t.Context(), LevelOf(50), "the end")
	if !strings.Contains(out.String(), "level=CRITICAL ") {
		t.Error(out.String())
	}
}

func TestJSONRecordsAreObjectsWithTracebacksAsTheyAre(t *testing.T) {
	var out writes
	log := New(Options{To: &out, Format: "json"}).With("worker", 1)
	log.Error("application failed", "event", "failed", "traceback", traceback, "path", "/\x1b[2J")
	var record map[string]any
	if len(out.calls) != 1 || json.Unmarshal([]byte(out.calls[0]), &record) != nil || strings.Count(out.calls[0], "\n") != 1 {
		t.Fatalf("%q", out.calls)
	}
	for key, want := range map[string]any{
		"level": "ERROR", "msg": "application failed", "event": "failed", "traceback": traceback, "worker": 1.0, "path": "/\x1b[2J",
	} {
		if record[key] != want {
			t.Errorf("%s is %v, want %v", key, record[key], want)
		}
	}
	if _, err := time.Parse(time.RFC3339Nano, record["time"].(string)); err != nil {
		t.Error(err)
	}
}
