package exchange

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/static"
)

// openFiles opens the folders that the settings name, and those of mounts, which exist.
// One that is not there is none until it is: it was when gowsgi looked, and the
// application is there all the same.
func (h *Handler) openFiles() error {
	s := &h.settings
	c := static.Config{
		Index: s.StaticIndex, MaxAge: s.StaticMaxAge, Immutable: s.StaticImmutable == "auto", Listing: s.StaticListing,
		Links: map[string]static.Links{"never": static.Never, "anywhere": static.Anywhere}[s.StaticSymlinks], Log: h.log,
	}
	try := func(key, folder string) error {
		_, missing := os.Stat(folder)
		err := static.Try(folder)
		if errors.Is(missing, os.ErrNotExist) {
			h.log.Error("a folder of files is gone, and its files get a 404 until it is there: create it, or reload with another", "event", "static.missing", "setting", key, "path", folder)
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	}
	var errs []error
	below := func(key, mount string, items []string) (all []static.Mapping) {
		for _, item := range items {
			path, folder := config.Mapping(item)
			errs = append(errs, try(key, folder))
			all = append(all, static.Mapping{Path: mount + path, Folder: folder})
		}
		return all
	}
	for number, m := range s.Applications() {
		own := c
		own.Prefixes = below("static of mount "+m.Name(), m.Path, m.Static)
		h.mounts[number].files = static.New(own, time.Now())
	}
	c.Prefixes = below("static", "", s.Static)
	for _, item := range s.SendfileRoot {
		path, folder := config.Mapping(item)
		errs = append(errs, try("sendfile_root", folder))
		c.Internal = append(c.Internal, static.Mapping{Path: path, Folder: folder})
	}
	if c.Root = s.DocumentRoot; c.Root != "" {
		errs = append(errs, try("document_root", s.DocumentRoot))
	}
	h.files = static.New(c, time.Now())
	return config.Wrong(errors.Join(errs...))
}

// Files are those of the settings that are served without the application; nil: none.
func (h *Handler) Files() *static.Site { return h.files }

// serveFile answers a request that is for a file. False: it is not.
func (x *exchange) serveFile() bool {
	a := x.site().Answer(x.r, x.start)
	if a == nil {
		return false
	}
	x.fields = append(x.fields[:0], a.Fields...)
	if x.r.ContentLength != 0 { // nobody reads the body
		x.fields = append(x.fields, closing)
		x.w.LeaveBody()
	}
	x.answerWith(a, http.StatusText(a.Status))
	return true
}

// answerWith sends an answer whose fields are in x.fields, and lets go of it.
func (x *exchange) answerWith(a *static.Answer, reason string) {
	defer a.Close()
	if words := a.Words(); words != "" {
		x.fields, words = x.h.Dress(a.Status, x.fields, words)
		a.Say(words)
	} else {
		x.fields = x.h.edits.Apply(x.fields)
	}
	x.addOwnFields()
	x.status, x.begun, x.length = a.Status, true, a.Length
	x.w.Begin(a.Status, reason, x.fields, a.Length)
	if x.r.Method == http.MethodHead || !bodyAllowed(a.Status) {
		return
	}
	n, err := a.Send(x.w)
	x.written += n
	if errors.Is(err, static.ErrShort) {
		x.LogRequest(slog.LevelWarn, "a file became shorter while it was sent: its client gets an answer that is cut off", "response.short", "missing", a.Length-n)
	}
	if err != nil {
		x.lose(err)
	}
}

// namesFile tells whether a file is to be sent in place of what the application
// produces, as long as the response has not begun.
func (x *exchange) namesFile() bool {
	if x.begun || !x.h.files.HasInternal() {
		return false
	}
	x.fields = x.req.Fields(x.fields[:0])
	field, _ := x.h.files.Named(x.fields)
	return field != ""
}

// sendNamed sends the file that the application has named.
func (x *exchange) sendNamed() {
	x.leaveUntouched()
	x.fields = x.endToEnd(x.req.Fields(x.fields[:0]))
	field, value := x.h.files.Named(x.fields)
	status, reason := x.req.Status(), x.req.Reason()
	a, err := x.h.files.Internal(field, value, status, x.fields, x.r, time.Now())
	if err != nil {
		x.refuseNamed(field, value, err)
		return
	}
	x.fields = append(x.fields[:0], a.Fields...)
	if a.Status != status {
		reason = http.StatusText(a.Status)
	}
	x.answerWith(a, reason)
}

func (x *exchange) refuseNamed(field, value string, err error) {
	status, message := http.StatusInternalServerError, "the file that the application names cannot be read and its client gets a 500: let the user that workers run as read it"
	switch {
	case errors.Is(err, static.ErrAbsent):
		status, message = http.StatusNotFound, "the file that the application names is not there and its client gets a 404"
	case errors.Is(err, static.ErrOutside):
		message = "the application names a file that is below no folder of sendfile_root and its client gets a 500: name the folder there if its files may be sent"
	}
	x.LogRequest(slog.LevelError, message, "sendfile.refused", "field", field, "path", value, "error", err.Error())
	x.answer(status, fmt.Sprintf("%d %s\n", status, http.StatusText(status)))
}
