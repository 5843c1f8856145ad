package static

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/logging"
)

// Mapping is a folder and what leads to it.
type Mapping struct {
	Path   string // "/static", decoded, without a slash at the end; empty: a path of the file system
	Folder string // absolute
}

// Config is what there is to serve.
type Config struct {
	Prefixes  []Mapping
	Root      string // the document root; empty: none
	Internal  []Mapping
	Links     Links
	Index     []string // names of the file that stands for its folder
	MaxAge    time.Duration
	Immutable bool // names with a fingerprint are for good
	Listing   bool // of folders below Prefixes
	Log       *slog.Logger
}

// Site is all files that are served. A nil *Site has none.
type Site struct {
	prefixes  []mapped // the longest first
	root      *folder  // nil: none
	internal  []mapped
	index     []string
	maxAge    string
	immutable bool
	listing   bool
	cache     *cache
	top       *Top
	topID     identity // Watch's: of the folder that top was made of
	log       *slog.Logger
	links     logging.Ration // records of those that are not followed
	failures  logging.Ration // records of files that cannot be opened
}

type mapped struct {
	path   string
	folder *folder
}

// New makes a Site; nil if there is nothing to serve. A folder that is not there is
// none until it is.
func New(c Config, now time.Time) *Site {
	if len(c.Prefixes) == 0 && c.Root == "" && len(c.Internal) == 0 {
		return nil
	}
	s := &Site{
		index: c.Index, maxAge: strconv.FormatInt(int64(c.MaxAge/time.Second), 10), immutable: c.Immutable, listing: c.Listing,
		cache: newCache(), log: c.Log,
	}
	folders := map[string]*folder{}
	open := func(path string) *folder {
		if folders[path] == nil {
			folders[path] = openFolder(path, c.Links, now)
		}
		return folders[path]
	}
	for _, m := range c.Prefixes {
		s.prefixes = append(s.prefixes, mapped{m.Path, open(m.Folder)})
	}
	for _, m := range c.Internal {
		s.internal = append(s.internal, mapped{m.Path, open(m.Folder)})
	}
	slices.SortStableFunc(s.prefixes, func(a, b mapped) int { return len(b.path) - len(a.path) })
	if c.Root != "" {
		s.root, s.top = open(c.Root), new(Top)
		s.renewTop(now)
	}
	return s
}

// Prefixes are the paths that are no application's, decoded.
func (s *Site) Prefixes() (paths []string) {
	if s == nil {
		return nil
	}
	for _, m := range s.prefixes {
		paths = append(paths, m.path)
	}
	return paths
}

// SetTop has what there is at the top of the document root stand in that memory, which
// stays. Before the first request, and before Watch.
func (s *Site) SetTop(t *Top) {
	if s == nil || s.root == nil {
		return
	}
	*t = *s.top
	s.top = t
}

// HasRoot tells whether there is a document root.
func (s *Site) HasRoot() bool { return s != nil && s.root != nil }

// Answer answers a request if it is for a file: below a prefix in any case, in the
// document root if there is one. nil: it is not.
func (s *Site) Answer(r *http.Request, now time.Time) *Answer {
	if s == nil {
		return nil
	}
	path := unescape(pathOf(r.RequestURI))
	for i := range s.prefixes {
		m := &s.prefixes[i]
		rest, below := strings.CutPrefix(path, m.path)
		if !below || rest != "" && rest[0] != '/' {
			continue
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return text(http.StatusMethodNotAllowed, [2]string{"Allow", "GET, HEAD"})
		}
		p := place{m.folder, s.listing}
		if rest == "" {
			return s.orMissing(s.redirect(p, "", m.path, r, now))
		}
		return s.orMissing(s.answer(p, rest, r, now))
	}
	if s.root == nil || path == "" || r.Method != http.MethodGet && r.Method != http.MethodHead || !s.top.has(firstOf(path)) {
		return nil
	}
	return s.answer(place{folder: s.root}, path, r, now)
}

func (s *Site) orMissing(a *Answer) *Answer {
	if a == nil {
		return text(http.StatusNotFound)
	}
	return a
}

// place is where to look, and whether its folders may be listed.
type place struct {
	*folder
	lists bool
}

// answer answers with the file of a path below a folder; nil: there is none.
func (s *Site) answer(p place, path string, r *http.Request, now time.Time) *Answer {
	name, isFolder, ok := clean(path)
	if !ok {
		return nil
	}
	if isFolder {
		return s.page(p, name, r, now)
	}
	a, err := s.sendable(p.folder, name, r.Method, r.Header, nil, now)
	if errors.Is(err, errFolder) {
		return s.redirect(p, name, name, r, now)
	}
	return s.settle(a, err, p.folder, name)
}

// sendable is an answer with a file.
func (s *Site) sendable(f *folder, name, method string, h http.Header, own *overlay, now time.Time) (*Answer, error) {
	for again := false; ; again = true {
		e, err := s.find(f, name, now)
		if err != nil {
			return nil, err
		}
		a, err := s.fileOf(f, e, method, h, own, now)
		if err == nil || again {
			return a, err
		}
		s.cache.remove(key{f, name}) // it was there a second ago
	}
}

// page answers for a folder: with its index file, or a listing.
func (s *Site) page(p place, name string, r *http.Request, now time.Time) *Answer {
	for _, index := range s.index {
		file := join(name, index)
		a, err := s.sendable(p.folder, file, r.Method, r.Header, nil, now)
		if err == nil || !isAbsent(err) && !errors.Is(err, errFolder) {
			return s.settle(a, err, p.folder, file)
		}
	}
	if !p.lists {
		return nil
	}
	p.look(now)
	a, err := listing(p.folder, name)
	return s.settle(a, err, p.folder, name)
}

func join(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

// redirect sends a client that has left the slash out to a folder that has a page; nil:
// it has none. The reference is relative: behind a proxy that takes a prefix off, this
// path is not the client's; and whatever the name is, it leads to no other host.
func (s *Site) redirect(p place, name, shown string, r *http.Request, now time.Time) *Answer {
	p.look(now)
	has := p.lists
	for _, index := range s.index {
		h, err := p.open(join(name, index))
		if err == nil {
			h.close()
			has = true
		}
	}
	if !has {
		return nil
	}
	last := shown[strings.LastIndexByte(shown, '/')+1:]
	return text(http.StatusMovedPermanently, [2]string{"Location", "./" + escape(last) + "/" + queryOf(r.RequestURI)})
}

// settle makes an answer of an error. nil: there is no file.
func (s *Site) settle(a *Answer, err error, f *folder, name string) *Answer {
	switch {
	case err == nil:
		return a
	case isAbsent(err):
		return nil
	case errors.Is(err, errOut):
		s.sayLink(f, name)
		return nil
	case errors.Is(err, errFolder): // it was a file just now
		return nil
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		s.say(&s.failures, "static.unreadable", "a file cannot be read and its client gets a 403: let the user that workers run as read it", f.path+"/"+name, err)
		return text(http.StatusForbidden)
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOMEM):
		s.say(&s.failures, "static.unreadable", "a file cannot be opened for want of descriptors or memory, and its client gets a 503", f.path+"/"+name, err)
		return text(http.StatusServiceUnavailable, [2]string{"Retry-After", "1"})
	}
	s.say(&s.failures, "static.unreadable", "a file cannot be read and its client gets a 500", f.path+"/"+name, err)
	return text(http.StatusInternalServerError)
}

func (s *Site) sayLink(f *folder, name string) {
	message := "a symbolic link leads out of its folder and is not followed: set static_symlinks to anywhere if it is to be"
	if f.links == Never {
		message = "a symbolic link is not followed, as static_symlinks says"
	}
	s.say(&s.links, "static.link", message, f.path+"/"+name, nil)
}

// say logs something about a file, not too often.
func (s *Site) say(ration *logging.Ration, event, message, path string, err error) {
	if s.log == nil {
		return
	}
	held, ok := ration.Pass(time.Now(), 1)
	if !ok {
		return
	}
	attrs := append([]any{"event", event, "path", path}, logging.Suppressed(held)...)
	if err != nil {
		attrs = append(attrs, "error", err.Error())
	}
	s.log.Warn(message, attrs...)
}
