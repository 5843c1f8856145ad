package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
)

// Trailer is the end of a bundle.
type Trailer struct {
	Head, Archive, Manifest int64 // sizes
	Sum                     [sha256.Size]byte
}

var magic = []byte("gowsgi bundle 1\n")

// trailerSize is what Bytes returns: magic, three sizes, the manifest's hash,
// and the hash of all that.
const trailerSize = 16 + 3*8 + 2*sha256.Size

// Bytes is how it stands in the file.
func (t Trailer) Bytes() []byte {
	b := bytes.Clone(magic)
	for _, size := range []int64{t.Head, t.Archive, t.Manifest} {
		b = binary.LittleEndian.AppendUint64(b, uint64(size))
	}
	b = append(b, t.Sum[:]...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// isTrailer tells whether a file's last bytes were meant to be one.
func isTrailer(b []byte) bool { return bytes.HasPrefix(b, magic) }

// parseTrailer reads one that belongs to a file of that size.
func parseTrailer(b []byte, size int64) (Trailer, error) {
	const body = trailerSize - sha256.Size
	sum := sha256.Sum256(b[:body])
	if !bytes.Equal(sum[:], b[body:]) {
		return Trailer{}, damaged("its last bytes are not what they were")
	}
	number := func(i int) int64 { return int64(binary.LittleEndian.Uint64(b[len(magic)+8*i:])) }
	t := Trailer{Head: number(0), Archive: number(1), Manifest: number(2)}
	copy(t.Sum[:], b[len(magic)+3*8:])
	if t.Head < 0 || t.Archive < 0 || t.Manifest < 0 || t.Manifest > largestManifest || t.Head+t.Archive+t.Manifest+trailerSize != size {
		return Trailer{}, damaged("it does not have the size that it was built with")
	}
	return t, nil
}
