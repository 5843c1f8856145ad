package exchange

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gowsgi/gowsgi/gil"
	"github.com/gowsgi/gowsgi/internal/compress"
	"github.com/gowsgi/gowsgi/internal/spool"
)

// ahead puts into a file what a response is ahead of its client, so that the
// application can go on, and its memory be used by others.
//
// The exchange's goroutine goes on writing to the client. If that takes it longer
// than a moment, a second one begins: it puts the rest of what is to be written
// into the file, then each batch behind which the application has to wait, up to
// the last one. The first one follows with what is in the file; once it has caught
// up, the second ends, and all is as before. What is to be encoded (coding.go) is so
// before it is written or put into the file, by whoever of the two does that next.
type ahead struct {
	x     *exchange
	more  bool // the application goes on
	timer *time.Timer

	mu    sync.Mutex
	armed bool     // somebody writes, and there is no second goroutine yet
	rest  [][]byte // what he writes afterwards, not encoded yet
	made  []byte   // what he writes before that, which is
	size  int64    // of the file
	over  bool     // the second goroutine has ended, and the rest belongs to the first

	left bool          // the first has closed quit
	quit chan struct{} // closed to end it
	done chan struct{} // closed when it has ended; nil: it has not begun

	file     *spool.File // nil: there is nothing to put into one, or none was to be had
	finished bool        // the application is done, and all it said is in the file or gone
}

const (
	// aMoment is how long an application may wait for its client before a file is
	// made. Clients that are only slower than Python need none: it would cost a copy.
	aMoment = 100 * time.Millisecond
	// aWhile is that for one that is done: nobody waits, and there is only its memory
	// to be had.
	aWhile = time.Second
	// aPiece is how much is written at once if it may turn out to be too much.
	aPiece = 1 << 20
	// aPart is how much of a file is.
	aPart = 256 << 10
	// aCopy is how much of a file is in memory where it cannot be sent from there.
	aCopy = 16 << 10
)

// mayBeAhead tells whether a batch of that size may be put into a file.
func (x *exchange) mayBeAhead(size int, more bool) bool {
	return x.h.spool != nil && x.h.settings.ResponseSpool > 0 && x.r.Method != http.MethodHead &&
		(more || size > x.h.settings.ResponseBuffer)
}

// sendAhead writes blocks to the client, or has them written out of a file. more:
// the application goes on.
func (x *exchange) sendAhead(blocks [][]byte, more bool) error {
	if x.ahead == nil {
		x.ahead = &ahead{x: x}
		x.ahead.timer = time.AfterFunc(time.Hour, x.ahead.run)
	}
	a := x.ahead
	var piece [][]byte
	for begun := false; !begun; {
		piece, blocks = cut(piece[:0], blocks, aPiece)
		encoded := x.encode(&x.made, piece, x.afterwards(more || len(blocks) > 0))
		a.arm(blocks, more)
		err := x.write(encoded, more)
		begun = !a.disarm()
		if err != nil {
			if begun {
				a.end()
			}
			return err
		}
		if !begun && len(blocks) == 0 {
			return nil
		}
	}
	return x.follow(a)
}

// cut takes a piece of at most size bytes off blocks, whose first one it may change.
func cut(piece, blocks [][]byte, size int) (first, rest [][]byte) {
	for len(blocks) > 0 && size >= len(blocks[0]) {
		size -= len(blocks[0])
		piece, blocks = append(piece, blocks[0]), blocks[1:]
	}
	if len(blocks) > 0 && size > 0 {
		piece, blocks[0] = append(piece, blocks[0][:size]), blocks[0][size:]
	}
	return piece, blocks
}

// arm has the second goroutine begin in a moment, with rest.
func (a *ahead) arm(rest [][]byte, more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed, a.rest, a.more = true, rest, more
	patience := aWhile
	if more {
		patience = aMoment
	}
	a.timer.Reset(patience)
}

// disarm tells whether it has not begun, and will not.
func (a *ahead) disarm() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer.Stop()
	kept := a.armed
	a.armed = false
	return kept
}

// run is the second goroutine.
func (a *ahead) run() {
	a.mu.Lock()
	if !a.armed { // he has finished just now
		a.mu.Unlock()
		return
	}
	a.armed, a.over, a.finished, a.size, a.file, a.made = false, false, false, 0, nil, nil
	a.quit, a.done, a.left = make(chan struct{}), make(chan struct{}), false
	rest := a.rest
	a.mu.Unlock()
	defer close(a.done)
	if a.more { // the application does not wait for this client any more, so it may be silent
		a.x.flight.Step()
	}
	rest = a.put(rest, a.more)
	switch {
	case a.isFull(rest):
	case a.more:
		rest = a.takeBatches()
	default:
		a.finished = true
	}
	a.mu.Lock()
	a.rest, a.over = rest, true
	a.mu.Unlock()
}

// put puts blocks into the file. more: the application goes on. What there is no room
// for is returned, or stands in made if it has been encoded.
func (a *ahead) put(blocks [][]byte, more bool) (rest [][]byte) {
	x := a.x
	if !x.encoded {
		return a.store(blocks)
	}
	var piece [][]byte
	var memory []byte
	for x.encoder != nil && (len(blocks) > 0 || x.afterwards(more) == compress.End) {
		piece, blocks = cut(piece[:0], blocks, aPiece)
		left := a.store(x.encode(&memory, piece, x.afterwards(more || len(blocks) > 0)))
		if len(left) > 0 {
			a.made = left[0]
			break
		}
	}
	return blocks
}

// isFull tells whether there was no room for all that put was to put there.
func (a *ahead) isFull(rest [][]byte) bool { return len(rest) > 0 || len(a.made) > 0 }

// store writes blocks to the file. What there is no room for is returned.
func (a *ahead) store(blocks [][]byte) (rest [][]byte) {
	if len(blocks) > 0 && a.file == nil {
		file, err := a.x.h.spool.Create(0)
		if err != nil {
			a.x.h.logSpool("a temporary file cannot be made, so the application waits for a slow client", "spool.failed", err)
			return blocks
		}
		a.file = file
	}
	for i, block := range blocks {
		room := min(int64(len(block)), max(0, a.x.h.settings.ResponseSpool-a.file.Size()))
		n, err := a.file.Write(block[:room])
		a.mu.Lock()
		a.size = a.file.Size()
		a.mu.Unlock()
		if err != nil {
			a.x.h.logSpool("a response has no room in the folder for temporary files, so the application waits for a slow client: make room there, or change spool_limit or worker_tmp_dir",
				"spool.full", err)
		}
		if n < len(block) {
			return append([][]byte{block[n:]}, blocks[i+1:]...)
		}
	}
	return nil
}

// takeBatches puts into the file what the application produces, until it is done,
// or the file is full: then what is left of a batch is returned.
func (a *ahead) takeBatches() (rest [][]byte) {
	x := a.x
	for {
		select {
		case <-x.req.Output():
		case <-a.quit:
			return nil
		}
		done := x.req.Stage() == gil.Done // before the batch is looked at: it is the last one then
		batch, ok := x.req.SetAside()
		switch {
		case ok:
			rest = a.put(batch.Blocks(nil), !done)
			a.finished = done && !a.isFull(rest)
			if done || a.isFull(rest) {
				return rest
			}
		case x.flight.IsSilent():
			x.h.watcher.TimeOut(&x.flight)
			return nil
		}
	}
}

// leave ends the second goroutine, and waits for it.
func (a *ahead) leave() {
	if !a.left {
		a.left = true
		close(a.quit)
	}
	<-a.done
}

// end is the end of it all.
func (a *ahead) end() {
	a.leave()
	if a.file != nil {
		a.file.Free()
	}
	if a.more {
		a.x.flight.Step()
		a.x.req.Wake() // a bell may have been the first one's
	}
}

// errSilent ends a response of which the client was still to get something when the
// application had been silent for too long.
var errSilent = errors.New("the application was silent for too long")

// follow writes what is in the file, until the second goroutine has ended and
// nothing is left.
func (x *exchange) follow(a *ahead) error {
	defer a.end()
	var buf []byte
	for at, shed := int64(0), false; ; {
		a.mu.Lock()
		size, over := a.size, a.over
		a.mu.Unlock()
		switch {
		case over && x.flight.TimedOut():
			return errSilent
		case over && a.finished && !shed:
			shed = true
			x.req.Shed()
			if !x.streams {
				x.letGo()
			}
		case at < size:
			n, err := x.sendPart(a.file, at, min(size-at, aPart), &buf)
			x.written += n
			if at += n; err != nil {
				return err
			}
		case !over:
			a.leave() // it may have put something there meanwhile
		default:
			if err := x.write([][]byte{a.made}, a.more); err != nil {
				return err
			}
			return x.pass(a.rest, a.more)
		}
	}
}

// sendPart writes size bytes of a file from there on to the client.
func (x *exchange) sendPart(file *spool.File, at, size int64, buf *[]byte) (written int64, err error) {
	if reader, ok := x.w.(io.ReaderFrom); ok && x.length >= 0 { // by sendfile(2)
		if _, err := file.OS().Seek(at, io.SeekStart); err != nil {
			return 0, err
		}
		written, err = reader.ReadFrom(&io.LimitedReader{R: file.OS(), N: size})
		if err == nil && written == 0 {
			err = io.ErrUnexpectedEOF
		}
		return written, err
	}
	if *buf == nil {
		*buf = make([]byte, aCopy)
	}
	n, err := file.ReadAt((*buf)[:min(size, aCopy)], at)
	if n == 0 {
		return 0, err
	}
	written, err = x.w.WriteBlocks((*buf)[:n])
	if err == nil {
		err = x.w.FlushError()
	}
	return written, err
}
