package static

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// settled is for how long a file must have rested so that its times tell one content
// from another.
const settled = 2 * time.Second

// mostKeptSize is the size of files whose bytes are kept.
const mostKeptSize = 64 << 10

// version is a file as it was seen: what a request asked for, or a sibling of it that
// is packed. It is never changed.
type version struct {
	name   string // below its folder
	coding string // of its content; empty: none
	id     identity
	rests  bool   // long enough that id tells it from others
	body   []byte // nil: it is opened for each request
	validators
	modified string // as text; empty: it is not said
	fields   [][2]string
}

// seeVersion looks at an open file. old is what was seen of it before, or nil.
func seeVersion(h handle, name, coding string, old *version, now time.Time) (*version, error) {
	id, err := h.identity()
	if err != nil {
		return nil, err
	}
	if old != nil && old.rests && old.id == id {
		return old, nil
	}
	v := newVersion(name, coding, id, now)
	if id.size <= mostKeptSize {
		v.body, err = h.readAll(id)
		if errors.Is(err, errChanged) {
			return v, nil // it is being written: it is opened for each request
		}
	}
	return v, err
}

// newVersion is a file with that identity, without its bytes.
func newVersion(name, coding string, id identity, now time.Time) *version {
	v := &version{name: name, coding: coding, id: id}
	last := time.Unix(0, id.modified)
	v.rests = now.Sub(last) >= settled && now.Sub(time.Unix(0, id.changed)) >= settled
	v.etag = `"` + strconv.FormatInt(id.modified, 16) + "-" + strconv.FormatInt(id.size, 16)
	if coding != "" {
		v.etag += "-" + coding
	}
	if v.etag += `"`; now.Sub(last) < settled {
		v.etag = "W/" + v.etag
	}
	if !last.After(now) { // RFC 9110, 8.8.2.1
		v.validators.modified = last.Truncate(time.Second)
		v.modified = v.validators.modified.UTC().Format(http.TimeFormat)
	}
	return v
}

// open opens the file of a version whose bytes are not kept. If it is another by now,
// that is the version.
func (v *version) open(f *folder, e *entry, now time.Time) (handle, *version, error) {
	h, err := f.open(v.name)
	if err != nil {
		return h, nil, err
	}
	id, err := h.identity()
	if err != nil {
		h.close()
		return h, nil, err
	}
	if id != v.id {
		v = newVersion(v.name, v.coding, id, now)
		v.describe(e.mediaType, e.cacheControl, e.varies())
	}
	return h, v, nil
}

// describe makes the fields of a response that has all of it.
func (v *version) describe(mediaType, cacheControl string, varies bool) {
	fields := append(make([][2]string, 0, 8), [2]string{"Content-Type", mediaType})
	if v.coding != "" {
		fields = append(fields, [2]string{"Content-Encoding", v.coding})
	}
	fields = v.appendValidators(fields, cacheControl, varies)
	v.fields = append(fields, acceptRanges, [2]string{"X-Content-Type-Options", "nosniff"})
}

var acceptRanges = [2]string{"Accept-Ranges", "bytes"}

// appendValidators appends what a 304 has as well (RFC 9110, 15.4.5).
func (v *version) appendValidators(fields [][2]string, cacheControl string, varies bool) [][2]string {
	fields = append(fields, [2]string{"ETag", v.etag})
	if v.modified != "" {
		fields = append(fields, [2]string{"Last-Modified", v.modified})
	}
	if cacheControl != "" {
		fields = append(fields, [2]string{"Cache-Control", cacheControl})
	}
	if varies {
		fields = append(fields, [2]string{"Vary", "Accept-Encoding"})
	}
	return fields
}
