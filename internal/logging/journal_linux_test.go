package logging

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
)

// throughJournal logs to a pipe that $JOURNAL_STREAM describes, or not, and
// returns what came out.
func throughJournal(t *testing.T, format string, matches bool) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(writer.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	inode := stat.Ino
	if !matches {
		inode++
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, inode))
	file, err := Open("-", writer)
	if err != nil {
		t.Fatal(err)
	}
	log := New(Options{To: file, Format: format, Level: "debug"})
	log.Error("failed", "traceback", traceback)
	log.Debug("well")
	writer.Close()
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestJournalGetsAPriorityOnEachLineAndNoTime(t *testing.T) {
	want := "<3>level=ERROR msg=failed\n<3>  Traceback (most recent call last):\n<3>    File \"x.py\", line 1, in <module>\n<3>  KeyError: 'x'\n" +
		"<7>level=DEBUG msg=well\n"
	if got := throughJournal(t, "text", true); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestJournalThatIsSomewhereElseIsNone(t *testing.T) {
	if got := throughJournal(t, "text", false); strings.Contains(got, "<") && strings.Contains(got, "<3>") || !strings.Contains(got, "time=") {
		t.Errorf("got %q", got)
	}
}

func TestJournalGetsJSONAsItIs(t *testing.T) {
	if got := throughJournal(t, "json", true); !strings.HasPrefix(got, `{"time":`) || strings.Contains(got, "<7>") {
		t.Errorf("got %q", got)
	}
}

func TestJournalGetsThePriorityOfWordsThatAreNoRecord(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(writer.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, stat.Ino))
	(&File{file: writer}).Say(slog.LevelError, "why\ngowsgi: because\n")
	writer.Close()
	if text, err := io.ReadAll(reader); err != nil || string(text) != "<3>why\n<3>gowsgi: because\n" {
		t.Errorf("got %q, %v", text, err)
	}
}
