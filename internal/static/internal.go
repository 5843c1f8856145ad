package static

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// The fields by which an application names a file that is to be sent in place of its
// body: a path of the file system, or a path below a prefix of Config.Internal, with
// percent signs as in a URL.
const (
	sendfileField = "X-Sendfile"
	accelField    = "X-Accel-Redirect"
)

// Errors of Internal, for the application's author.
var (
	ErrOutside = errors.New("static: the file is below no folder of sendfile_root")
	ErrAbsent  = errors.New("static: there is no such file")
)

// HasInternal tells whether the application may name files.
func (s *Site) HasInternal() bool { return s != nil && len(s.internal) > 0 }

// Named is the file that a response names; "" if it names none, or the application may
// not name one. field is by which it does.
func (s *Site) Named(fields [][2]string) (field, value string) {
	if !s.HasInternal() {
		return "", ""
	}
	for _, f := range fields {
		switch {
		case len(f[0]) == len(sendfileField) && strings.EqualFold(f[0], sendfileField):
			return sendfileField, f[1]
		case len(f[0]) == len(accelField) && strings.EqualFold(f[0], accelField):
			return accelField, f[1]
		}
	}
	return "", ""
}

// Internal is the answer with a file that the application has named; status and fields
// are its own, whose strings may be memory of the request: nothing of them is kept.
// ErrOutside or ErrAbsent if it cannot be.
func (s *Site) Internal(field, value string, status int, fields [][2]string, r *http.Request, now time.Time) (*Answer, error) {
	own := newOverlay(status, fields)
	failed := ErrOutside
	for _, m := range s.internal {
		name, ok := m.name(field, value)
		if !ok {
			continue
		}
		a, err := s.sendable(m.folder, name, r.Method, r.Header, own, now)
		switch {
		case err == nil:
			return a, nil
		case errors.Is(err, errOut):
			s.sayLink(m.folder, name)
		case isAbsent(err) || errors.Is(err, errFolder):
			failed = ErrAbsent
		default:
			return nil, err
		}
	}
	return nil, failed
}

// name is what a field's value names in the folder. False: it is not below it.
func (m *mapped) name(field, value string) (string, bool) {
	if strings.IndexByte(value, 0) >= 0 {
		return "", false
	}
	if (field == sendfileField) != (m.path == "") {
		return "", false
	}
	if field == sendfileField {
		return relative(m.folder.path, value)
	}
	path, _, _ := strings.Cut(value, "?")
	name, ok := relative(m.path, unescape(path))
	return name, ok && name != ""
}

// overlay is what an application says of a file that it has named: its fields are
// sent, but for those that only the file can say.
type overlay struct {
	status    int
	fields    [][2]string
	mediaType bool // is among them
}

// ofTheFile are the fields that an application cannot know of a file, or that are
// none of the client's business. Content-Encoding is that of the body that is dropped,
// as from Django's GZipMiddleware.
var ofTheFile = []string{
	sendfileField, accelField, "X-Accel-Buffering", "X-Accel-Charset", "X-Accel-Expires", "X-Accel-Limit-Rate",
	"Content-Length", "Content-Range", "Content-Encoding", "Accept-Ranges", "ETag", "Last-Modified",
}

// newOverlay: the strings are copied, since the application's memory may be gone when
// they are sent.
func newOverlay(status int, fields [][2]string) *overlay {
	if status == http.StatusPartialContent {
		status = http.StatusOK // which part of it, nobody but us can say
	}
	o := &overlay{status: status}
next:
	for _, f := range fields {
		for _, name := range ofTheFile {
			if strings.EqualFold(name, f[0]) {
				continue next
			}
		}
		o.mediaType = o.mediaType || strings.EqualFold(f[0], "Content-Type")
		o.fields = append(o.fields, [2]string{strings.Clone(f[0]), strings.Clone(f[1])})
	}
	return o
}

// over is the fields of the response.
func (o *overlay) over(v *version) [][2]string {
	fields := append(make([][2]string, 0, len(o.fields)+4), o.fields...)
	if !o.mediaType {
		fields = append(fields, [2]string{"Content-Type", typeOf(v.name)})
	}
	if o.status == http.StatusOK {
		fields = append(v.appendValidators(fields, "", false), acceptRanges)
	}
	return fields
}
