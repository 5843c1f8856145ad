package static

import (
	"strings"
	"time"
)

// entry is what is known of a name in a folder. It is never changed.
type entry struct {
	versions     []*version // the file itself, then its siblings
	mediaType    string
	cacheControl string
	checked      time.Time
}

// varies tells whether who can read what matters.
func (e *entry) varies() bool { return len(e.versions) > 1 }

// size is what it takes of the cache.
func (e *entry) size() int64 {
	size := int64(1024)
	for _, v := range e.versions {
		size += int64(len(v.body)) + 1024
	}
	return size
}

// find is what is known of a file, which is looked at if that is long ago. The name may
// be memory of the request, or a piece of its head: neither is to live on with the file.
func (s *Site) find(f *folder, name string, now time.Time) (*entry, error) {
	k := key{f, name}
	old := s.cache.get(k)
	if old != nil && now.Sub(old.checked) < validity {
		return old, nil
	}
	k.name = strings.Clone(name)
	fresh, err := s.see(f, k.name, old, now)
	if err != nil {
		s.cache.remove(k)
		return nil, err
	}
	s.cache.put(k, fresh)
	return fresh, nil
}

// see looks at a file and its siblings.
func (s *Site) see(f *folder, name string, old *entry, now time.Time) (*entry, error) {
	f.look(now)
	own, err := f.version(name, "", old, now)
	if err != nil {
		return nil, err
	}
	e := &entry{versions: []*version{own}, mediaType: typeOf(name), checked: now}
	e.cacheControl = s.cacheControl(name, e.mediaType)
	if !hasCoding(name) {
		for _, c := range codings {
			sibling, err := f.version(name+c.suffix, c.name, old, now)
			// One that is older than its file was packed from another content. Whole
			// seconds: whoever unpacks a tree of files may leave no more of their times.
			const second = int64(time.Second)
			if err == nil && sibling.id.modified/second >= own.id.modified/second {
				e.versions = append(e.versions, sibling)
			}
		}
	}
	for _, v := range e.versions {
		v.describe(e.mediaType, e.cacheControl, e.varies())
	}
	return e, nil
}

// version looks at one file.
func (f *folder) version(name, coding string, old *entry, now time.Time) (*version, error) {
	h, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer h.close()
	var before *version
	if old != nil {
		for _, v := range old.versions {
			if v.coding == coding {
				before = v
			}
		}
	}
	v, err := seeVersion(h, name, coding, before, now)
	if err == nil && v == before {
		own := *v // describe is about to write to it
		v = &own
	}
	return v, err
}

// cacheControl is how long a file may be kept without asking. It does not say public,
// which would have shared caches keep what was sent to who has a password
// (RFC 9111, 3.5).
func (s *Site) cacheControl(name, mediaType string) string {
	switch {
	case s.immutable && isFingerprinted(name):
		return "max-age=31536000, immutable"
	case isPage(mediaType), s.maxAge == "0":
		return "no-cache" // is kept, and asked about
	}
	return "max-age=" + s.maxAge
}
