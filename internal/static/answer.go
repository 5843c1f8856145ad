package static

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Answer is a response. Close lets go of its file.
type Answer struct {
	Status int
	Fields [][2]string // others have them, too: not to be changed
	Length int64       // of its body

	pieces []piece
	whole  [1]piece // memory for them, where there is one
	file   *os.File // nil: all is in memory
	words  string   // it is nothing but these few; empty: it has a file, or no body
}

// piece is a piece of a body: text, or a part of the file.
type piece struct {
	text []byte // nil: part
	part span
}

// Sink is where a body goes. Write with an io.ReaderFrom behind it gets the file itself.
type Sink interface {
	io.Writer
	WriteBlocks(blocks ...[]byte) (int64, error)
}

// ErrShort: the file has become shorter. The response must not look whole.
var ErrShort = errors.New("static: the file became shorter while it was sent")

// Send sends the body.
func (a *Answer) Send(w Sink) (sent int64, err error) {
	for _, p := range a.pieces {
		var n int64
		if p.text != nil {
			n, err = w.WriteBlocks(p.text)
		} else if p.part.size > 0 {
			n, err = a.sendPart(w, p.part)
		}
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (a *Answer) sendPart(w io.Writer, part span) (int64, error) {
	if _, err := a.file.Seek(part.from, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.CopyN(w, a.file, part.size)
	if errors.Is(err, io.EOF) {
		err = ErrShort
	}
	return n, err
}

// Close lets go of the file.
func (a *Answer) Close() {
	if a.file != nil {
		_ = a.file.Close()
	}
}

// text is an answer of a few words.
func text(status int, fields ...[2]string) *Answer {
	a := &Answer{Status: status, Fields: append(fields, [2]string{"Content-Type", "text/plain; charset=utf-8"})}
	a.Say(strconv.Itoa(status) + " " + http.StatusText(status) + "\n")
	return a
}

// Words are all that the answer says, if it has no file; empty: it has one, or no body.
func (a *Answer) Words() string { return a.words }

// Say has the answer say nothing but that.
func (a *Answer) Say(words string) {
	a.words, a.Length, a.pieces = words, int64(len(words)), []piece{{text: []byte(words)}}
}

// fileOf is an answer with a file, or what its client's fields make of that. h are
// the fields of the request; own is what the application says of it, nil if it has no
// part in it.
func (s *Site) fileOf(f *folder, e *entry, method string, h http.Header, own *overlay, now time.Time) (*Answer, error) {
	v := e.versions[0]
	if own == nil {
		v = choose(e.versions, h["Accept-Encoding"])
	}
	if v.body != nil {
		return v.answer(e, method, h, own), nil
	}
	opened, v, err := v.open(f, e, now)
	if err != nil {
		return nil, err
	}
	a := v.answer(e, method, h, own)
	if a.hasParts() {
		a.file = opened.file(v.name)
	} else {
		opened.close()
	}
	return a, nil
}

// answer is an answer without its file.
func (v *version) answer(e *entry, method string, h http.Header, own *overlay) *Answer {
	a := &Answer{Status: http.StatusOK, Fields: v.fields, Length: v.id.size}
	what, spans := wantsAll, []span(nil)
	if own != nil {
		a.Status, a.Fields = own.status, own.over(v)
	}
	// Another method has done by now what it was to do.
	if a.Status == http.StatusOK && (method == http.MethodGet || method == http.MethodHead) {
		switch v.precondition(h) {
		case http.StatusNotModified:
			a.Status, a.Length = http.StatusNotModified, 0
			if own == nil {
				a.Fields = v.appendValidators(nil, e.cacheControl, e.varies())
			}
			return a
		case http.StatusPreconditionFailed:
			return text(http.StatusPreconditionFailed)
		}
		if method == http.MethodGet && v.wantsRange(h) {
			what, spans = readRange(h["Range"], v.id.size)
		}
	}
	switch {
	case what == wantsNone:
		return text(http.StatusRequestedRangeNotSatisfiable, [2]string{"Content-Range", "bytes */" + strconv.FormatInt(v.id.size, 10)})
	case what == wantsSome:
		a.cut(v, spans)
	case method != http.MethodHead:
		a.whole[0] = v.piece(span{0, v.id.size})
		a.pieces = a.whole[:]
	}
	return a
}

// hasParts tells whether something of the file is to be sent.
func (a *Answer) hasParts() bool {
	return slices.ContainsFunc(a.pieces, func(p piece) bool { return p.text == nil && p.part.size > 0 })
}

func (v *version) piece(part span) piece {
	if v.body != nil {
		return piece{text: v.body[part.from : part.from+part.size]}
	}
	return piece{part: part}
}

// cut makes it a 206 with parts of the file (RFC 9110, 15.3.7).
func (a *Answer) cut(v *version, spans []span) {
	a.Status = http.StatusPartialContent
	mediaType, others := unknownType, make([][2]string, 0, len(a.Fields)+1)
	for _, field := range a.Fields {
		if strings.EqualFold(field[0], "Content-Type") {
			mediaType = field[1]
			continue
		}
		others = append(others, field)
	}
	if len(spans) == 1 {
		a.Fields = append(others, [2]string{"Content-Type", mediaType}, [2]string{"Content-Range", spans[0].contentRange(v.id.size)})
		a.Length = spans[0].size
		a.pieces = []piece{v.piece(spans[0])}
		return
	}
	boundary := rand.Text() // RFC 2046, 5.1.1: nobody can have put it into the file
	a.Fields = append(others, [2]string{"Content-Type", "multipart/byteranges; boundary=" + boundary})
	a.Length = 0
	add := func(p piece, size int64) {
		a.pieces = append(a.pieces, p)
		a.Length += size
	}
	between := ""
	for _, s := range spans {
		head := fmt.Appendf(nil, "%s--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n", between, boundary, mediaType, s.contentRange(v.id.size))
		add(piece{text: head}, int64(len(head)))
		add(v.piece(s), s.size)
		between = "\r\n"
	}
	tail := []byte("\r\n--" + boundary + "--\r\n")
	add(piece{text: tail}, int64(len(tail)))
}
