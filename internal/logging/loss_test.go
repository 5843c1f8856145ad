package logging

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// limitFiles lets files grow to so many bytes, until the function that it returns
// is called.
func limitFiles(t *testing.T, size uint64) (lift func()) {
	t.Helper()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limited := before
	limited.Cur = size
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limited); err != nil {
		t.Fatal(err)
	}
	lift = func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { lift(); signal.Stop(signals) })
	return lift
}

func TestWriteAfterOneThatWasCutShortBeginsOnItsOwnLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	mine, other := openLog(t, path), openLog(t, path)
	lift := limitFiles(t, 8)
	n, err := mine.Write([]byte("first\nsecond\n"))
	if n != 8 || !errors.Is(err, syscall.EFBIG) {
		t.Fatalf("wrote %d: %v", n, err)
	}
	if n, err := other.Write([]byte("third\n")); n != 0 || err == nil {
		t.Fatalf("wrote %d: %v", n, err)
	}
	lift()
	for i, file := range []*File{other, mine, other} {
		if n, err := file.Write([]byte("more\n")); n != 5 || err != nil {
			t.Errorf("write %d: %d, %v", i, n, err)
		}
	}
	if got := read(t, path); got != "first\nse\nmore\nmore\nmore\n" {
		t.Errorf("the file holds %q", got)
	}
}

func TestLostRecordsAreSaidOnceOnStandardErrorAndCounted(t *testing.T) {
	folder := t.TempDir()
	stderr, err := os.Create(filepath.Join(folder, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	path := filepath.Join(folder, "log")
	if err := os.WriteFile(path, []byte(strings.Repeat("-", 2047)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	log := New(Options{To: openLog(t, path), Stderr: stderr}).With("worker", 1)
	lift := limitFiles(t, 2060) // standard error has room
	for range 3 {
		log.Info("lost")
	}
	said := read(t, stderr.Name())
	if strings.Count(said, "\n") != 1 || !strings.Contains(said, "event=log.lost path="+path) || !strings.Contains(said, "file too large") {
		t.Errorf("standard error says %q", said)
	}
	lift()
	log.Info("kept")
	log.Info("kept")
	lines := strings.Split(read(t, path), "\n")
	if len(lines) != 6 || !strings.Contains(lines[2], "msg=kept worker=1") || !strings.Contains(lines[4], "msg=kept") ||
		!strings.Contains(lines[3], "worker=1 event=log.back lost=3") {
		t.Errorf("the log holds %q", lines[1:])
	}
}

func TestLogThatFollowsAnotherKnowsOfItsLosses(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	folder := t.TempDir()
	stderr, err := os.Create(filepath.Join(folder, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	var loss Loss
	for range 2 {
		New(Options{To: openLog(t, "/dev/full"), Stderr: stderr, Loss: &loss}).Info("lost")
	}
	if said := read(t, stderr.Name()); strings.Count(said, "event=log.lost") != 1 {
		t.Errorf("standard error says %q", said)
	}
	path := filepath.Join(folder, "log")
	New(Options{To: openLog(t, path), Stderr: stderr, Loss: &loss}).Info("kept")
	if text := read(t, path); !strings.Contains(text, "event=log.back lost=2\n") {
		t.Errorf("the log holds %q", text)
	}
}
