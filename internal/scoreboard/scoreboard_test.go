package scoreboard

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func newBoard(t testing.TB) *Board {
	t.Helper()
	b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// TestMain is also the worker of TestNotesOutliveTheWorker.
func TestMain(m *testing.M) {
	if os.Getenv("SCOREBOARD_WORKER") == "" {
		os.Exit(m.Run())
	}
	b, err := Open(3)
	if err != nil {
		panic(err)
	}
	b.Begin(7, "POST", "/crashes")
	b.Begin(0, "GET", "/second")
	b.Begin(1, "GET", "/done")
	b.End(1)
	_ = unix.Kill(os.Getpid(), unix.SIGKILL) // does not return
}

func TestNotesOutliveTheWorker(t *testing.T) {
	b := newBoard(t)
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), "SCOREBOARD_WORKER=1")
	worker.ExtraFiles = []*os.File{b.File()}
	before := time.Now()
	if err := worker.Run(); worker.ProcessState.Exited() {
		t.Fatalf("the worker was to be killed: %v", err)
	}
	entries := b.Running()
	if len(entries) != 2 || entries[0].String() != "POST /crashes" || entries[1].String() != "GET /second" {
		t.Fatalf("the board says %v", entries)
	}
	if at := entries[0].Started; at.Before(before) || at.After(time.Now()) {
		t.Errorf("the request started at %v, the test at %v", at, before)
	}
}

func TestLatestIsTheLastThatWasBegunEndedOrNot(t *testing.T) {
	b := newBoard(t)
	if at := b.Latest(); !at.IsZero() {
		t.Errorf("nothing was begun, and the latest at %v", at)
	}
	b.Begin(5, "GET", "/")
	before := time.Now()
	b.Begin(2, "GET", "/")
	b.End(2)
	if at := b.Latest(); at.Before(before) || at.After(time.Now()) {
		t.Errorf("begun at %v or later, the latest at %v", before, at)
	}
}

func TestWhatDoesNotFitIsCut(t *testing.T) {
	b := newBoard(t)
	b.Begin(0, strings.Repeat("M", 100), "/"+strings.Repeat("u", 1000))
	b.Begin(slots, "GET", "/there-is-no-such-slot")
	b.End(slots)
	entries := b.Running()
	if len(entries) != 1 || entries[0].Method != strings.Repeat("M", longestMethod) ||
		entries[0].URI != "/"+strings.Repeat("u", textSize-longestMethod-1) {
		t.Errorf("the board says %v", entries)
	}
}

func TestTornEntriesHarmNobody(t *testing.T) {
	b := newBoard(t)
	for i := range b.memory {
		b.memory[i] = byte(i * 7)
	}
	b.slots[3].running.Store(1)
	b.slots[3].method, b.slots[3].uri = 255, 65535
	copy(b.slots[3].text[:], "GET\x1b[2J\n\xff\u202e")
	entries := b.Running()
	if len(entries) != 1 {
		t.Fatalf("%d entries", len(entries))
	}
	if got := entries[0].Method; !strings.HasPrefix(got, `GET\x1b[2J\n\xff\u202e`) {
		t.Errorf("method %q", got)
	}
}

func TestFilesThatAreNoBoardAreRefused(t *testing.T) {
	if _, err := Open(-1); err == nil {
		t.Error("a descriptor that is none was opened")
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(fd); err == nil {
		t.Error("an empty file was opened")
	}
}

func TestNoBoardTakesNotes(*testing.T) {
	var b *Board
	b.Begin(0, "GET", "/")
	b.End(0)
	b.Latest()
}

func BenchmarkNote(b *testing.B) {
	board := newBoard(b)
	for b.Loop() {
		board.Begin(3, "GET", "/some/path?with=a&query")
		board.End(3)
	}
}
