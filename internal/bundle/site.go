package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Site is a bundle's file, open. What it says was checked, and the head, too; the
// archive is when it is unpacked.
type Site struct {
	*Manifest
	Hash string // of the manifest, and so of everything

	// At is where the file was when it was opened.
	At string

	file *os.File
	head int64
	part bool       // of another: the archive has more than these files
	held []*os.File // locks on the folder that the program lies in

	unpacking sync.Mutex // guards folder: a reload may go on while a worker starts
	folder    *Folder    // in use; see Unpack
}

// Own is the bundle that this program is the head of, without the list of its files.
func Own() (*Site, error) {
	path, err := os.Executable()
	if err != nil { // no /proc
		path, err = exec.LookPath(os.Args[0])
	}
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, fmt.Errorf("this executable cannot be found, which has the site in it: %w", err)
	}
	file, err := os.Open("/proc/self/exe") // nothing may be at the path any more, or another one
	if err != nil {
		file, err = os.Open(path)
	}
	if err != nil {
		return nil, err
	}
	return take(file, path, false)
}

// Open opens the bundle at path.
func Open(path string) (*Site, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return take(file, path, true)
}

// take takes over a bundle that was found at path.
func take(file *os.File, path string, files bool) (*Site, error) {
	site, err := read(file, files)
	if err == nil && site == nil {
		err = fmt.Errorf("%s is no executable that gowsgi build has made", path)
	}
	if err == nil {
		err = site.checkHead()
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	site.At = path
	return site, nil
}

// readAt reads what was there when the file was opened: gowsgi runs from another one, so
// that nothing keeps anybody from writing to this one, instead of replacing it.
func (s *Site) readAt(data []byte, at int64) error {
	_, err := s.file.ReadAt(data, at)
	if errors.Is(err, io.EOF) {
		return damaged("it was cut off while it was in use")
	}
	return err
}

// read takes over file if it is a bundle. Of the head it checks the size. files tells
// whether its list of them is wanted.
func read(file *os.File, files bool) (*Site, error) {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() < trailerSize {
		return nil, err
	}
	first, last := make([]byte, markAt+len(mark)), make([]byte, trailerSize)
	if _, err := file.ReadAt(first, 0); err != nil {
		return nil, err
	}
	if _, err := file.ReadAt(last, info.Size()-trailerSize); err != nil {
		return nil, err
	}
	if !isTrailer(last) {
		if isMarked(first) {
			return nil, damaged("its end is missing")
		}
		return nil, nil
	}
	t, err := parseTrailer(last, info.Size())
	if err != nil {
		return nil, err
	}
	data := make([]byte, t.Manifest)
	if _, err := file.ReadAt(data, t.Head+t.Archive); err != nil {
		return nil, err
	}
	if sha256.Sum256(data) != t.Sum {
		return nil, damaged("its manifest is not what it was")
	}
	manifest, err := decodeManifest(data, files)
	if err != nil {
		return nil, err
	}
	if manifest.Head.Size != t.Head {
		return nil, damaged("what it begins with does not have the size that it was built with")
	}
	if manifest.Archive.Size != t.Archive {
		return nil, damaged("its archive does not have the size that it was built with")
	}
	return &Site{Manifest: manifest, Hash: hex.EncodeToString(t.Sum[:]), At: file.Name(), file: file, head: t.Head}, nil
}

func (s *Site) checkHead() error {
	head := sha256.New()
	if _, err := io.Copy(head, io.NewSectionReader(s.file, 0, s.head)); err != nil {
		return err
	}
	if hex.EncodeToString(head.Sum(nil)) != s.Head.SHA256 {
		return damaged("what it begins with is not what it was")
	}
	return nil
}

// Replaced tells whether a whole bundle lies at path, and not this one.
func (s *Site) Replaced(path string) bool {
	other, err := Open(path)
	if err != nil {
		return false // gone, or not all there yet
	}
	defer other.Close()
	return other.Hash != s.Hash
}

// Close gives the file up.
func (s *Site) Close() { _ = s.file.Close() }

// Verify reads the whole archive.
func (s *Site) Verify() error {
	return s.extract(func(File, []byte) error { return nil })
}

// extract calls put with each file, in order, if its hash is right, and fails at
// the end if something else is not what it was.
func (s *Site) extract(put func(File, []byte) error) error {
	head := make([]byte, s.head)
	if err := s.readAt(head, 0); err != nil {
		return err
	}
	packed, sum := io.NewSectionReader(s.file, s.head, s.Archive.Size), sha256.New()
	content, err := decompress(io.TeeReader(packed, sum), head)
	if err != nil {
		return err
	}
	defer content.Close()
	var buffer []byte
	next := func(file File) error {
		if int64(cap(buffer)) < file.Size {
			buffer = make([]byte, file.Size)
		}
		buffer = buffer[:file.Size]
		if _, err := io.ReadFull(content, buffer); err != nil || Sum(buffer) != file.SHA256 {
			return damaged(file.Path + " in it is not what it was")
		}
		return nil
	}
	if !s.part {
		if err := next(s.program()); err != nil {
			return err
		}
	}
	for _, file := range s.Files {
		var content []byte
		if file.Link == "" {
			if err := next(file); err != nil {
				return err
			}
			content = buffer
		}
		if err := put(file, content); err != nil {
			return err
		}
	}
	if s.part {
		return nil
	}
	if n, err := content.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) || hex.EncodeToString(sum.Sum(nil)) != s.Archive.SHA256 {
		return damaged("its archive is not what it was")
	}
	return nil
}
