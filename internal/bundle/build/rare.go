package build

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/internal/bundle"
)

// rare are parts of the standard library that are large and hardly ever used: they
// stay if the application or a package has the word.
var rare = []struct{ part, word *regexp.Regexp }{
	{regexp.MustCompile(`/distutils/`), regexp.MustCompile(`\bdistutils\b`)}, // up to 3.11
	{regexp.MustCompile(`/lib2to3/`), regexp.MustCompile(`\blib2to3\b`)},
	// Debian's dbm.ndbm has Berkeley DB behind it.
	{regexp.MustCompile(`/lib-dynload/_dbm\.`), regexp.MustCompile(`\b(dbm|shelve)\b`)},
}

// leaveOutUnused takes out of the standard library what is rare and not used. All
// that could use it is there.
func (c *collection) leaveOutUnused() error {
	unused := slices.Clone(rare)
	for at, s := range c.sources {
		if s.from == "" || strings.HasPrefix(at, bundle.PythonPath+"/") {
			continue
		}
		var text []byte
		switch path.Ext(at) {
		case ".zip", ".egg": // may import anything
			return nil
		case ".py", ".so":
			var err error
			if text, err = os.ReadFile(s.from); err != nil {
				return err
			}
		}
		unused = slices.DeleteFunc(unused, func(r struct{ part, word *regexp.Regexp }) bool { return r.word.Match(text) })
	}
	for at := range c.sources {
		for _, r := range unused {
			if strings.HasPrefix(at, bundle.PythonPath+"/") && r.part.MatchString(at) {
				delete(c.sources, at)
			}
		}
	}
	return nil
}
