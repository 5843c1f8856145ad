package packed

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestExecutableComesOutAsItWentInWithItsHash(t *testing.T) {
	executable := bytes.Repeat([]byte("\x7fELF and more\x00"), 10_000)
	var file, again bytes.Buffer
	for _, out := range []*bytes.Buffer{&file, &again} {
		if err := Write(out, executable); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(file.Bytes(), again.Bytes()) {
		t.Error("packing twice gives different bytes")
	}
	hash, content, err := Open(&file, nil)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(content)
	if err != nil || !bytes.Equal(unpacked, executable) || Hash(unpacked) != hash {
		t.Errorf("unpacked %d bytes (%v) with hash %s, want %d bytes with %s", len(unpacked), err, Hash(unpacked), len(executable), hash)
	}
}

func TestFileOfAnotherPackerIsRefused(t *testing.T) {
	var file bytes.Buffer
	packer := gzip.NewWriter(&file)
	packer.Comment = "no hash"
	packer.Close()
	if _, _, err := Open(&file, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if _, _, err := Open(strings.NewReader("not gzip"), nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestDamageIsNoticedWhereverItIs(t *testing.T) {
	var file bytes.Buffer
	if err := Write(&file, bytes.Repeat([]byte("executable"), 1000)); err != nil {
		t.Fatal(err)
	}
	for i := range file.Len() {
		damaged := bytes.Clone(file.Bytes())
		damaged[i] ^= 0x10
		_, content, err := Open(bytes.NewReader(damaged), nil)
		if err == nil {
			_, err = io.Copy(io.Discard, content)
		}
		// The head also says when and on which system: Hash does not cover it.
		if !errors.Is(err, ErrDamaged) && i > 9 {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, content, err = Open(bytes.NewReader(file.Bytes()[:i]), nil); err == nil {
			_, err = io.Copy(io.Discard, content)
		}
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("cut after %d bytes: %v", i, err)
		}
	}
}
