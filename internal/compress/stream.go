package compress

import (
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// mostStreams are those that may be in use at once without being brief: 128 MB.
const mostStreams = 64

// An encoder keeps 0.8 to 1.4 MB for gzip and 1 to 2 MB for zstd; beyond that level
// zstd would keep 5 MB and compress 2 % better. window is how far back it looks.
const (
	window    = 256 << 10
	mostLevel = 5
)

// Then is what follows what was encoded.
type Then int

const (
	More  Then = iota // at once: it may wait for it
	Flush             // later: all that came so far is to be readable
	End               // nothing
)

// encoder is what both libraries have.
type encoder interface {
	io.Writer
	Flush() error
	Close() error
	Reset(w io.Writer)
}

// Stream encodes one response.
type Stream struct {
	c       *Compressor
	place   int // of the coding
	encoder encoder
	made    sink
	brief   bool
}

// sink is what an encoder writes to.
type sink []byte

func (s *sink) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}

// Open begins to encode a response. brief: nobody is waited for until it is closed.
// nil: there are too many others. Close gives it back.
func (c *Compressor) Open(coding Coding, brief bool) *Stream {
	if !brief && c.streams.Add(1) > mostStreams {
		c.streams.Add(-1)
		return nil
	}
	place := 0
	if coding == Gzip {
		place = 1
	}
	s, _ := c.pools[place].Get().(*Stream)
	if s == nil {
		s = &Stream{c: c, place: place, encoder: newEncoder(coding, c.Level)}
	}
	s.brief = brief
	s.encoder.Reset(&s.made)
	return s
}

func newEncoder(coding Coding, level int) encoder {
	if coding == Gzip {
		e, err := gzip.NewWriterLevel(nil, level)
		if err != nil {
			panic("compress: " + err.Error()) // the table of settings has the levels
		}
		return e
	}
	// One goroutine, its caller's.
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(window), zstd.WithZeroFrames(true),
		zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(min(level, mostLevel))))
	if err != nil {
		panic("compress: " + err.Error())
	}
	return e
}

// Encode appends to a slice what becomes of blocks. Nothing of them is kept.
func (s *Stream) Encode(to []byte, blocks [][]byte, then Then) []byte {
	// Nothing fails: the sink takes all.
	s.made = to
	for _, block := range blocks {
		_, _ = s.encoder.Write(block)
	}
	switch then {
	case Flush:
		_ = s.encoder.Flush()
	case End:
		_ = s.encoder.Close()
	}
	to, s.made = s.made, nil
	return to
}

// Close gives the encoder to others, wherever the response stands.
func (s *Stream) Close() {
	if !s.brief {
		s.c.streams.Add(-1)
	}
	s.c.pools[s.place].Put(s)
}
