package exchange

import (
	"net/http"
	"strings"
	"time"

	"github.com/gowsgi/gowsgi/environ"
	"github.com/gowsgi/gowsgi/internal/mounts"
	"github.com/gowsgi/gowsgi/internal/static"
	"github.com/gowsgi/gowsgi/internal/tally"
)

// mount is an application as requests know it.
type mount struct {
	number  int
	path    string // SCRIPT_NAME
	name    string // for logs; empty: there is no other one
	main    bool   // it is the target
	timeout time.Duration
	largest int64          // body; 0: any
	figures *tally.Figures // nil: nobody counts
	guard   guard
	files   *static.Site // below path; nil: none. The target's are those of all
}

// makeMounts makes those of the settings, by number.
func (h *Handler) makeMounts() (err error) {
	s := &h.settings
	h.table = mounts.New(s)
	all := s.Applications()
	for number, m := range all {
		own := mount{
			number: number, path: m.Path, timeout: s.Timeout, largest: s.LimitRequestBody,
			main: number == 0 && (s.Target != "" || len(s.Mounts) == 0),
		}
		if len(all) > 1 {
			own.name = m.Name()
		}
		if m.Timeout != nil {
			own.timeout = *m.Timeout
		}
		if m.LimitRequestBody != nil {
			own.largest = *m.LimitRequestBody
		}
		if h.hooks.Page != nil && h.hooks.Counts {
			own.figures = h.hooks.Page.Of(number)
		}
		if own.guard, err = h.makeGuard(s.GuardOf(m)); err != nil {
			return err
		}
		h.mounts = append(h.mounts, own)
		h.names = append(h.names, own.name)
	}
	h.watcher.Name(h.names)
	return nil
}

// choose finds the application that the request is for, if there is one.
func (x *exchange) choose() {
	number, found := 0, true
	if table := x.h.table; !table.Whole() {
		number, found = table.Find(x.r.Host, environ.Path(x.r.RequestURI))
	}
	if found {
		x.mount = &x.h.mounts[number]
	}
}

// site is the files that the request may be for; nil: none. Those of the settings are
// the main application's, and nobody's; a mount has its own.
//
// In names of files // counts as /, and in paths of mounts it does not. What would be
// another mount's if it did names no file: no spelling is a way around that mount.
func (x *exchange) site() *static.Site {
	files := x.h.files
	switch {
	case x.mount == nil && !x.h.table.Knows(x.r.Host):
		return nil
	case x.mount != nil && !x.mount.main:
		files = x.mount.files
	}
	if files == nil || x.h.table.Whole() {
		return files
	}
	path := environ.Path(x.r.RequestURI)
	if !strings.Contains(path, "//") {
		return files
	}
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	if number, found := x.h.table.Find(x.r.Host, path); found && files != x.h.siteOf(number) {
		return nil
	}
	return files
}

// siteOf is the files of an application.
func (h *Handler) siteOf(number int) *static.Site {
	if m := &h.mounts[number]; !m.main {
		return m.files
	}
	return h.files
}

// refuseAll answers a request that is for no application. The host is looked at first:
// who asks for one that is not served here must not find out what there is.
func (x *exchange) refuseAll() {
	if !x.h.table.Knows(x.r.Host) {
		x.refuse(http.StatusMisdirectedRequest)
		return
	}
	x.refuse(http.StatusNotFound)
}

// Mounts is who has which requests, for the lane.
func (h *Handler) Mounts() *mounts.Table { return h.table }

// Application is what the lane has to know of an application: the largest body, in
// bytes (0: any), where its requests are counted (nil: nobody does), the paths that are
// not its but its files', and whether each client is to be looked at.
func (h *Handler) Application(number int) (largest int64, figures *tally.Figures, files []string, guarded bool) {
	m := &h.mounts[number]
	return m.largest, m.figures, m.files.Prefixes(), !m.guard.isOpen()
}

// figures are where the request is counted; nil if nobody wants to know. One that is
// for no application is the first one's.
func (x *exchange) figures() *tally.Figures {
	if x.mount == nil {
		return x.h.mounts[0].figures
	}
	return x.mount.figures
}

// mountName is what logs call the application; empty if there is no other one, or the
// request is for none.
func (x *exchange) mountName() string {
	if x.mount == nil {
		return ""
	}
	return x.mount.name
}
