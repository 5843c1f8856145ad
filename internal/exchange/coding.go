package exchange

import (
	"errors"
	"io"
	"net/http"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/compress"
)

// coding is the content coding of a response's body.
//
// What the application has made is encoded before it waits for its client, in memory
// or in a file: so a slow client is waited for without an encoder once the application
// is done, and there is less to be kept for it. The encoder belongs to whoever has the
// next blocks: the exchange's goroutine, or ahead's second one.
type coding struct {
	encoded bool             // what goes out is
	encoder *compress.Stream // nil: all of it is
	whole   bool             // and stands in made, to be sent
}

// chooseCoding decides how the body goes out, which is length bytes long, and has the
// fields say so. batch is what there is of it. The length that it will have is
// returned.
func (x *exchange) chooseCoding(length int64, batch embed.Batch) int64 {
	c := x.h.compressor
	if c == nil {
		return length
	}
	isHead := x.r.Method == http.MethodHead
	choice := c.Choose(x.r.Header, isHead, x.status, x.fields, length)
	whole := int64(batch.Size()) == length && batch.Size() <= min(aPiece, x.h.settings.ResponseBuffer)
	if choice.Coding != "" && !isHead {
		if x.encoder = c.Open(choice.Coding, whole); x.encoder == nil {
			choice = choice.AsItIs()
		}
	}
	x.fields = choice.Apply(x.fields)
	switch {
	case choice.Coding == "":
		return length
	case isHead:
		return -1
	}
	x.encoded = true
	if !whole {
		return -1
	}
	x.blocks = batch.Blocks(x.blocks[:0])
	x.encode(&x.made, x.blocks, compress.End)
	x.whole = true
	return int64(len(x.made))
}

// encode makes of blocks what goes out, in *memory if it is encoded.
func (x *exchange) encode(memory *[]byte, blocks [][]byte, then compress.Then) [][]byte {
	switch {
	case !x.encoded:
		return blocks
	case x.encoder == nil, len(blocks) == 0 && then != compress.End: // nothing is left
		return nil
	}
	*memory = x.encoder.Encode((*memory)[:0], blocks, then)
	if then == compress.End {
		x.dropEncoder()
	}
	return [][]byte{*memory}
}

// afterwards is what follows blocks. more: the application goes on. A response that is
// not as it should be gets no end.
func (x *exchange) afterwards(more bool) compress.Then {
	switch {
	case !more && x.endsWell():
		return compress.End
	case !more && x.req.HasFile():
		return compress.More
	default:
		return compress.Flush
	}
}

// endsWell tells, of a request that is done, whether its blocks are the end of a
// response that is whole.
func (x *exchange) endsWell() bool {
	declared := x.req.ContentLength()
	return !x.req.Result().Raised && !x.req.HasFile() && (declared < 0 || x.req.Sent() >= declared)
}

// pass writes blocks to the client, encoded if they are to be; more: the application
// goes on. Of what is large a piece is encoded at a time.
func (x *exchange) pass(blocks [][]byte, more bool) error {
	if !x.encoded {
		return x.write(blocks, more)
	}
	for piece := [][]byte(nil); ; {
		piece, blocks = cut(piece[:0], blocks, aPiece)
		goesOn := more || len(blocks) > 0
		if err := x.write(x.encode(&x.made, piece, x.afterwards(goesOn)), goesOn); err != nil || len(blocks) == 0 {
			return err
		}
	}
}

// aBlock is how much of a file is encoded at a time.
const aBlock = 64 << 10

// passFile writes size bytes of a file to the client, encoded, and tells how many it
// has had.
func (x *exchange) passFile(file io.Reader, size int64) (n int64, err error) {
	block := make([]byte, min(size, aBlock))
	for n < size {
		m, err := io.ReadFull(file, block[:min(size-n, aBlock)])
		n += int64(m)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		if err != nil {
			return n, err
		}
		if err := x.write(x.encode(&x.made, [][]byte{block[:m]}, compress.More), false); err != nil {
			return n, err
		}
	}
	return n, x.write(x.encode(&x.made, nil, x.afterwards(false)), false)
}

// dropEncoder gives the encoder to others.
func (x *exchange) dropEncoder() {
	if x.encoder != nil {
		x.encoder.Close()
		x.encoder = nil
	}
}
