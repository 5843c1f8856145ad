package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// Site is a bundle's file, open. What it says was checked; the archive is
// when it is unpacked.
type Site struct {
	*Manifest
	Hash string // of the manifest, and so of everything

	file *os.File
	head int64

	unpacking sync.Mutex // guards folder: a reload may go on while a worker starts
	folder    *Folder    // in use; see Unpack
}

// Own is the bundle that this program is; nil if it is gowsgi alone.
func Own() (*Site, error) {
	path, err := os.Executable()
	if err != nil { // no /proc
		if path, err = exec.LookPath(os.Args[0]); err != nil {
			return nil, nil //nolint:nilerr // who cannot be read is no bundle
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil //nolint:nilerr // a program may be executed without being read
	}
	site, err := read(file)
	if site == nil {
		file.Close()
	}
	return site, err
}

// Open opens the bundle at path.
func Open(path string) (*Site, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	site, err := read(file)
	if err == nil && site == nil {
		err = fmt.Errorf("%s is no executable that gowsgi build has made", path)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return site, nil
}

// read takes over file if it is a bundle.
func read(file *os.File) (*Site, error) {
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
	manifest, err := decodeManifest(data)
	if err != nil {
		return nil, err
	}
	head := sha256.New()
	if _, err := io.Copy(head, io.NewSectionReader(file, 0, t.Head)); err != nil {
		return nil, err
	}
	if manifest.Head.Size != t.Head || hex.EncodeToString(head.Sum(nil)) != manifest.Head.SHA256 {
		return nil, damaged("the program in it is not what it was")
	}
	if manifest.Archive.Size != t.Archive {
		return nil, damaged("its archive does not have the size that it was built with")
	}
	return &Site{Manifest: manifest, Hash: hex.EncodeToString(t.Sum[:]), file: file, head: t.Head}, nil
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
	if _, err := s.file.ReadAt(head, 0); err != nil {
		return err
	}
	packed, sum := io.NewSectionReader(s.file, s.head, s.Archive.Size), sha256.New()
	content, err := decompress(io.TeeReader(packed, sum), head)
	if err != nil {
		return err
	}
	defer content.Close()
	var buffer []byte
	for _, file := range s.Files {
		if file.Link != "" {
			if err := put(file, nil); err != nil {
				return err
			}
			continue
		}
		if int64(cap(buffer)) < file.Size {
			buffer = make([]byte, file.Size)
		}
		buffer = buffer[:file.Size]
		if _, err := io.ReadFull(content, buffer); err != nil || Sum(buffer) != file.SHA256 {
			return damaged(file.Path + " in it is not what it was")
		}
		if err := put(file, buffer); err != nil {
			return err
		}
	}
	if n, err := content.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) || hex.EncodeToString(sum.Sum(nil)) != s.Archive.SHA256 {
		return damaged("its archive is not what it was")
	}
	return nil
}
