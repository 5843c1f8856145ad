package compress

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// reader decodes what a client has got so far.
func reader(t testing.TB, coding Coding, data []byte) io.Reader {
	t.Helper()
	if coding == Gzip {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20)) // what browsers take
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestWhatIsFlushedCanBeReadAndWhatEndsIsWhole(t *testing.T) {
	c := New(Config{Level: 5})
	var all sync.WaitGroup
	for _, coding := range codings {
		for range 4 {
			all.Go(func() {
				for range 20 {
					checkStream(t, c, coding)
				}
			})
		}
	}
	all.Wait()
}

func checkStream(t *testing.T, c *Compressor, coding Coding) {
	s := c.Open(coding, true)
	defer s.Close()
	if rand.N(4) == 0 {
		s.Encode(nil, [][]byte{[]byte("somebody who left in the middle")}, Flush)
		s.Close()
		s = c.Open(coding, true)
	}
	var in, out []byte
	for range rand.N(5) {
		block := bytes.Repeat([]byte{byte(rand.N(256)), 'x'}, rand.N(300_000))
		in = append(in, block...)
		out = append(out, s.Encode(nil, [][]byte{block[:len(block)/3], block[len(block)/3:], nil}, Flush)...)
		got := make([]byte, len(in))
		if len(in) == 0 {
			continue
		}
		if _, err := io.ReadFull(reader(t, coding, out), got); err != nil || !bytes.Equal(got, in) {
			t.Errorf("%s: of %d bytes that were flushed %v", coding, len(in), err)
			return
		}
	}
	if len(in) > 0 {
		if got, err := io.ReadAll(reader(t, coding, out)); err == nil && len(got) > 0 {
			t.Errorf("%s: what has not ended passes for a whole", coding)
		}
	}
	out = s.Encode(out, [][]byte{[]byte("end")}, End)
	if got, err := io.ReadAll(reader(t, coding, out)); err != nil || !bytes.Equal(got, append(in, "end"...)) {
		t.Errorf("%s: of %d bytes %d, %v", coding, len(in)+3, len(got), err)
	}
}

func TestNothingIsSomethingToo(t *testing.T) {
	c := New(Config{Level: 5})
	for _, coding := range codings {
		s := c.Open(coding, true)
		if got, err := io.ReadAll(reader(t, coding, s.Encode(nil, nil, End))); err != nil || len(got) > 0 {
			t.Errorf("%s: %q, %v", coding, got, err)
		}
	}
}

func TestThereAreOnlySoManyStreams(t *testing.T) {
	c := New(Config{Level: 1})
	var streams []*Stream
	for range mostStreams {
		streams = append(streams, c.Open(Gzip, false))
	}
	if c.Open(Zstd, false) != nil {
		t.Error("one more is there")
	}
	brief := c.Open(Zstd, true)
	if brief == nil {
		t.Fatal("whoever waits for nobody has none")
	}
	brief.Close()
	streams[0].Close()
	if c.Open(Zstd, false) == nil {
		t.Error("what was given back is not there")
	}
}
