package exchange

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/logging"
	"github.com/gowsgi/gowsgi/internal/scarcity"
	"github.com/gowsgi/gowsgi/internal/spool"
)

// openSpool opens the folder for temporary files. nil: there are none, since the
// settings have it so, or since the folder that nobody has named is none.
func (h *Handler) openSpool(files int) error {
	s := &h.settings
	if s.RequestSpool == 0 && s.ResponseSpool == 0 {
		return nil
	}
	dir := s.WorkerTmpDir
	if dir == "" {
		dir = os.TempDir()
	}
	opened, err := spool.Open(dir, s.SpoolLimit, files)
	switch {
	case err == nil:
		h.spool = opened
	case s.WorkerTmpDir != "":
		return fmt.Errorf("worker_tmp_dir: %w: name a folder in which %s may write, or none", err, runner(s))
	default:
		h.log.Warn("temporary files cannot be made, so slow clients of large bodies hold threads: name a folder in worker_tmp_dir, or set request_spool and response_spool to 0",
			"event", "spool.none", "error", err.Error())
	}
	return nil
}

func runner(s *config.Settings) string {
	if s.User != "" {
		return s.User
	}
	return "gowsgi's user"
}

// mayBeInFile tells whether a body of that length, -1 if it is not known, is to go
// into a file.
func (x *exchange) mayBeInFile(length int64) bool {
	return x.h.spool != nil && x.h.settings.RequestSpool > 0 && length <= x.h.settings.RequestSpool
}

// makeFile makes a file for a body of about that length. nil if it is to stream,
// since it is too large or there can be no more files.
func (x *exchange) makeFile(length int64) (*spool.File, error) {
	if !x.mayBeInFile(length) {
		return nil, nil
	}
	file, err := x.h.spool.Create(length)
	switch {
	case err == nil:
		x.req.OnBodyDropped(file.Free) // when nobody reads it any more
		return file, nil
	case isFull(err):
		return nil, err
	}
	x.h.logSpool("a temporary file cannot be made, so the body streams", "spool.failed", err)
	return nil, nil
}

// isFull tells whether a client has to hear that there is no room.
func isFull(err error) bool {
	return errors.Is(err, spool.ErrFull) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// Bodies are read into files in pieces of this size: that is what one costs in
// memory that comes slowly.
const filePiece = 32 << 10

// readIntoFile reads the rest of a body into a file, behind ahead bytes of it that
// are in memory. One of unknown length that is larger than request_spool streams,
// out of the file at first.
func (x *exchange) readIntoFile(file *spool.File, ahead int) (int64, error) {
	if ahead > 0 {
		buf, err := x.req.Body(ahead, ahead)
		if err != nil {
			return 0, err
		}
		if _, err := file.Write(buf); err != nil {
			return 0, err
		}
		x.req.FreeBody()
	}
	x.letGo()
	buf, err := x.req.Body(filePiece, 0)
	if err != nil {
		return 0, err
	}
	most := x.h.settings.RequestSpool
	for !x.upload.ended.Load() {
		if file.Size() >= most {
			return x.stream(0, io.MultiReader(io.NewSectionReader(file, 0, file.Size()), x.upload))
		}
		n, err := x.upload.Read(buf[:min(int64(filePiece), most-file.Size())])
		if _, err := file.Write(buf[:n]); err != nil {
			return 0, err
		}
		if err != nil && !x.upload.ended.Load() {
			return 0, err
		}
	}
	size := file.Size()
	fd, err := file.Detach()
	if err != nil { // no descriptor is left
		return x.stream(0, io.NewSectionReader(file, 0, size))
	}
	if err := x.req.SpoolBody(fd, size); err != nil {
		_ = unix.Close(fd)
		return 0, err
	}
	return size, nil
}

// logSpool logs that something cannot go into a file. Once a second at most.
func (h *Handler) logSpool(message, event string, err error) {
	held, ok := h.spooling.Pass(time.Now(), 1)
	if !ok {
		return
	}
	attrs := []any{"event", event, "error", err.Error(), "dir", h.spool.Dir(), "bytes", h.spool.Used()}
	if words := scarcity.Of(err); words != "" {
		attrs = append(attrs, "reason", words)
	}
	h.log.Warn(message, append(attrs, logging.Suppressed(held)...)...)
}
