// Package packed is the form in which a worker lies inside gowsgi: the
// executable in gzip, with the SHA-256 of the executable in the comment of the
// gzip header. So a file and its hash cannot come apart, and whether the cache
// already has the executable is known without unpacking it.
//
// Measured on a stripped net/http program of 5.8 MB: gzip -9 makes it 2.46 MB
// and unpacks it in 30 ms, zstd at its best 2.30 MB in 10 ms. It is unpacked
// once per installation, so gzip from the standard library is enough.
package packed

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

const hashPrefix = "sha256:"

// ErrDamaged is what reading something else than Write's output ends with.
var ErrDamaged = errors.New("the packed file is damaged")

// Write packs an executable. The same executable gives the same bytes.
func Write(w io.Writer, executable []byte) error {
	packer, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	packer.Comment = hashPrefix + Hash(executable)
	if _, err := packer.Write(executable); err != nil {
		return err
	}
	return packer.Close()
}

// Open reads the head of a packed executable. Reading content to its end either
// gives the executable of that hash or fails with ErrDamaged.
func Open(file io.Reader) (hash string, content io.Reader, err error) {
	unpacker, err := gzip.NewReader(file)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	hash, found := strings.CutPrefix(unpacker.Comment, hashPrefix)
	if !found || len(hash) != hex.EncodedLen(sha256.Size) {
		return "", nil, fmt.Errorf("%w: it carries no hash, only make build packs workers", ErrDamaged)
	}
	return hash, &checked{unpacker, sha256.New(), hash}, nil
}

// Hash is the SHA-256 of an executable, in hexadecimal.
func Hash(executable []byte) string {
	sum := sha256.Sum256(executable)
	return hex.EncodeToString(sum[:])
}

// checked reads from content, and at its end compares what came with want.
type checked struct {
	content io.Reader
	sum     hash.Hash
	want    string
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.content.Read(p)
	c.sum.Write(p[:n])
	switch {
	case err == io.EOF && hex.EncodeToString(c.sum.Sum(nil)) != c.want:
		return n, fmt.Errorf("%w: it does not have the hash it was packed with", ErrDamaged)
	case err != nil && err != io.EOF:
		return n, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}
