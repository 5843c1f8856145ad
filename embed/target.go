package embed

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

// target is where an application is found.
type target struct {
	module string // dotted name, or
	file   string // path of a .py or .wsgi file
	attr   string // dotted name in it; "" for the default names
	call   string // "make('x', debug=True)" if attr is a factory, else ""
}

// defaults are the names tried if a target has no ":name".
var defaults = []string{"application", "app"}

// factory is a target whose attribute is called. Paths may have parentheses in
// them, so the one that begins the arguments follows a name.
var factory = regexp.MustCompile(`^([^:]*(?::[^:]*/[^:]*)*?):([^:()/\s]*)(\(.*)$`)

// parseTarget reads "module", "module:name", "module:make(args)" and the same
// with a file's path for the module.
func parseTarget(s string) (target, error) {
	module, attr, args := splitTarget(s)
	if attr == "" && module != s {
		if args != "" {
			return target{}, &LoadError{Message: fmt.Sprintf("%q: a factory is written module:make(…)", s)}
		}
		return target{}, &LoadError{Message: fmt.Sprintf("%q names no callable after the colon", s)}
	}
	t := target{module: module, attr: attr}
	if args != "" {
		t.call = attr + args
	}
	if isFile(module) {
		t.module, t.file = "", module
	} else if module == "" {
		return target{}, &LoadError{Message: fmt.Sprintf("%q names no module: write module:callable", s)}
	}
	return t, nil
}

// splitTarget takes a target apart. args is "(…)" with whatever follows, or "".
func splitTarget(s string) (module, attr, args string) {
	if isRegular(s) { // whatever there is in its name
		return s, "", ""
	}
	if m := factory.FindStringSubmatch(s); m != nil {
		return m[1], m[2], m[3]
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.ContainsRune(s[i:], os.PathSeparator) {
		return s[:i], s[i+1:], ""
	}
	if i := strings.IndexByte(s, '('); i >= 0 && !strings.ContainsRune(s, os.PathSeparator) {
		return s[:i], "", s[i:]
	}
	return s, "", ""
}

// isFile tells a path from a dotted name: mysite.wsgi is a module unless there
// is such a file.
func isFile(module string) bool {
	if strings.HasSuffix(module, ".py") || strings.ContainsRune(module, os.PathSeparator) {
		return true
	}
	return strings.HasSuffix(module, ".wsgi") && isRegular(module)
}

func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// moduleName is the name that a file becomes a module under: that of a .py file,
// which others can import by it. Any other file gets one that nothing else can
// have, as under mod_wsgi: flask.wsgi must not be what "import flask" finds, nor
// site.py in the place of the standard library's. It is the same at each start and
// in each worker, so that what they pickle for one another is understood.
func moduleName(path string, isLoaded func(string) bool) string {
	base := filepath.Base(path)
	if name, ok := strings.CutSuffix(base, ".py"); ok && !isLoaded(name) {
		return name
	}
	word := strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return '_'
		}
		return r
	}, base)
	return fmt.Sprintf("_%s_%.4x", word, sha256.Sum256([]byte(path)))
}
