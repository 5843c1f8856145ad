package logging

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// openLog opens a log file for the test.
func openLog(t *testing.T, path string) *File {
	t.Helper()
	file, err := Open(path, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLogFileIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "error.log")
	for range 2 {
		New(Options{To: openLog(t, path)}).Info("line")
	}
	if text := read(t, path); strings.Count(text, "msg=line\n") != 2 {
		t.Errorf("log holds %q", text)
	}
}

func TestLogFileThatCannotBeOpenedIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "error.log")
	if _, err := Open(path, os.Stderr); err == nil || strings.Count(err.Error(), path) != 1 {
		t.Errorf("error %v does not name %s once", err, path)
	}
}

func TestDashIsTheStandardStreamAndStaysAsItIs(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	for _, path := range []string{"-", ""} {
		file, err := Open(path, writer)
		if err != nil || !file.Standard() || file.Terminal() {
			t.Fatalf("Open(%q) = %+v, %v", path, file, err)
		}
		for _, act := range []func() error{file.Reopen, file.Close, func() error { return file.Chown(os.Getuid(), os.Getgid()) }} {
			if err := act(); err != nil {
				t.Error(err)
			}
		}
		if _, err := file.Write([]byte("x")); err != nil {
			t.Errorf("%q: %v", path, err)
		}
		if file.Whole() != wholeInPipe {
			t.Errorf("%d bytes stay together in a pipe", file.Whole())
		}
	}
}

func TestReopenedLogGoesToTheNewFileAndLosesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "error.log")
	file := openLog(t, path)
	var written atomic.Int64
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := file.Write([]byte("line\n")); err != nil {
					t.Error(err)
					return
				}
				written.Add(1)
			}
		})
	}
	const times = 20
	for i := range times {
		seen := written.Load()
		await(t, "another line", func() bool { return written.Load() > seen })
		if err := os.Rename(path, fmt.Sprintf("%s.%d", path, i)); err != nil {
			t.Fatal(err)
		}
		if err := file.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	writers.Wait()
	var lines int64
	names, _ := filepath.Glob(path + "*")
	for _, name := range names {
		lines += int64(strings.Count(read(t, name), "line\n"))
	}
	if len(names) != times+1 || lines != written.Load() {
		t.Errorf("%d lines in %d files, want %d in %d", lines, len(names), written.Load(), times+1)
	}
}

func TestAfterAReopenThatFailedTheOldFileIsWritten(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "error.log")
	file := openLog(t, path)
	moved := folder + ".moved"
	if err := os.Rename(folder, moved); err != nil {
		t.Fatal(err)
	}
	if err := file.Reopen(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
	if _, err := file.Write([]byte("line\n")); err != nil {
		t.Error(err)
	}
	if text := read(t, filepath.Join(moved, "error.log")); text != "line\n" {
		t.Errorf("the old file holds %q", text)
	}
}

func TestOnlyRegularFilesChangeHands(t *testing.T) {
	file := openLog(t, filepath.Join(t.TempDir(), "error.log"))
	if err := file.Chown(os.Getuid(), -1); err != nil {
		t.Error(err)
	}
	if file.Whole() != wholeInFile {
		t.Errorf("%d bytes stay together in a file", file.Whole())
	}
	null := openLog(t, os.DevNull)
	before, _ := os.Stat(os.DevNull)
	if err := null.Chown(os.Getuid()+1, os.Getgid()+1); err != nil {
		t.Error(err)
	}
	if after, _ := os.Stat(os.DevNull); fmt.Sprint(before.Sys()) != fmt.Sprint(after.Sys()) {
		t.Errorf("%s has changed hands", os.DevNull)
	}
}

func TestLinksAreNotGivenAway(t *testing.T) {
	folder := t.TempDir()
	other := filepath.Join(folder, "other")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "log")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	file, err := Open(link, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Chown(os.Getuid(), os.Getgid()); err == nil || !strings.Contains(err.Error(), link+" is a link") {
		t.Errorf("got %v", err)
	}
}

func TestTryMakesNoFileAndSaysWhatOpenWould(t *testing.T) {
	folder := t.TempDir()
	there, absent, pipe := filepath.Join(folder, "there"), filepath.Join(folder, "absent"), filepath.Join(folder, "pipe")
	if err := os.WriteFile(there, []byte("line\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, path := range []string{"", "-", there, absent, pipe, os.DevNull} {
		if err := Try(path); err != nil {
			t.Error(err)
		}
	}
	if content, err := os.ReadFile(there); err != nil || string(content) != "line\n" {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := os.Lstat(absent); err == nil {
		t.Error("a file was made")
	}
	// Had somebody opened it to write, this would be the end of what comes.
	waiting := []unix.PollFd{{Fd: int32(reader.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(waiting, 0); n != 0 || err != nil {
		t.Errorf("who reads the pipe gets %+v, %v", waiting, err)
	}
	socket := filepath.Join(folder, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, path := range []string{filepath.Join(folder, "missing", "log"), filepath.Join(there, "log"), folder, socket} {
		_, opened := Open(path, nil)
		if err := Try(path); err == nil || opened == nil || err.Error() != opened.Error() {
			t.Errorf("tried: %v; opened: %v", err, opened)
		}
	}
}
