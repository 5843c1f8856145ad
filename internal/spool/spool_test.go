package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, bytes int64, files int) *Spool {
	t.Helper()
	s, err := Open(t.TempDir(), bytes, files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t *testing.T, s *Spool) *File {
	t.Helper()
	f, err := s.Create(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Free)
	return f
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for name, makeFile := range map[string]func(dir string) (*os.File, error){"without a name": unnamed, "with one for a moment": createAndUnlink} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, err := makeFile(dir)
			if err != nil {
				t.Fatal(err)
			}
			s := &Spool{dir: dir}
			f := &File{spool: s, file: file, held: true}
			s.open.Add(1)
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("it has a name: %v", left)
			}
			if info, err := file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			if flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Error("programs that the application starts inherit it")
			}
			want := bytes.Repeat([]byte("0123456789"), 10_000)
			for at := 0; at < len(want); at += 1000 {
				if n, err := f.Write(want[at : at+1000]); n != 1000 || err != nil {
					t.Fatal(n, err)
				}
				if _, err := f.OS().Seek(0, io.SeekStart); err != nil { // as sendfile(2) moves it
					t.Fatal(err)
				}
			}
			got, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			f.Free()
			f.Free()
			if s.Used() != 0 || s.open.Load() != 0 {
				t.Errorf("%d bytes in %d files are left on the account", s.Used(), s.open.Load())
			}
		})
	}
}

func TestLimitIsThatOfAllFilesTogether(t *testing.T) {
	s := open(t, 1000, 0)
	var all sync.WaitGroup
	var files [10]*File
	for i := range files {
		files[i] = create(t, s)
		all.Go(func() {
			for range 100 {
				if n, err := files[i].Write(make([]byte, 7)); err != nil && (n != 0 || !errors.Is(err, ErrFull)) {
					t.Errorf("%d, %v", n, err)
				}
			}
		})
	}
	all.Wait()
	sum := int64(0)
	for _, f := range files {
		sum += f.Size()
	}
	if sum != s.Used() || sum > 1000 || sum <= 1000-7*int64(len(files)) {
		t.Errorf("%d bytes are in the files, %d on the account", sum, s.Used())
	}
	if _, err := s.Create(1000 - sum + 1); !errors.Is(err, ErrFull) {
		t.Errorf("one that is announced as too large: %v", err)
	}
	for _, f := range files {
		f.Free()
	}
	if _, err := create(t, s).Write(make([]byte, 1000)); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}

func TestNumberOfFilesIsLimited(t *testing.T) {
	s := open(t, 0, 2)
	first, second := create(t, s), create(t, s)
	if _, err := s.Create(0); !errors.Is(err, ErrMany) {
		t.Errorf("a third: %v", err)
	}
	fd, err := first.Detach()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := s.Create(0); !errors.Is(err, ErrMany) {
		t.Errorf("one whose descriptor is somebody else's counts: %v", err)
	}
	first.Free()
	second.Free()
	create(t, s)
	create(t, s)
}

func TestFolderThatIsNone(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "gone"), 0, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
