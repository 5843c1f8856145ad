package static

import (
	"path"
	"regexp"
	"strings"
)

// uuid looks like a fingerprint at its end, and says nothing of the content.
var uuid = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// isFingerprinted tells whether a name changes when its content does, as names do that
// are made by Django's ManifestStaticFilesStorage (base.27e20196a850.css), webpack
// (main.8ec1b8d3.chunk.js) or Vite (index-BUhyRkP5.js). A name that is wrongly taken
// for one is kept by clients for a year, so one in doubt is none: hexadecimal digits
// have both digits and letters among them, Vite's eight have digits and letters of
// both cases.
func isFingerprinted(name string) bool {
	base := path.Base(name)
	stem, _, found := strings.Cut(base, ".")
	if !found || uuid.MatchString(base) {
		return false
	}
	parts := strings.Split(base, ".")
	for _, part := range parts[1 : len(parts)-1] { // name.HASH.ext, name.HASH.chunk.js, name.HASH.js.map
		if isHexHash(part) {
			return true
		}
	}
	if at := strings.LastIndexByte(stem, '-'); at > 0 && isHexHash(stem[at+1:]) { // name-HASH.ext
		return true
	}
	const vite = 8
	if at := len(stem) - vite; at > 1 && stem[at-1] == '-' && isMixed(stem[at:]) { // its hash may have dashes
		return true
	}
	return len(stem) >= 16 && isHexHash(stem) // HASH.ext
}

// isHexHash: the shortest that are in use have 8 digits, the longest 64.
func isHexHash(text string) bool {
	digits, letters := false, false
	for _, c := range []byte(text) {
		switch {
		case '0' <= c && c <= '9':
			digits = true
		case 'a' <= c && c <= 'f':
			letters = true
		default:
			return false
		}
	}
	return digits && letters && len(text) >= 8 && len(text) <= 64
}

func isMixed(text string) bool {
	digits, small, large := false, false, false
	for _, c := range []byte(text) {
		switch {
		case '0' <= c && c <= '9':
			digits = true
		case 'a' <= c && c <= 'z':
			small = true
		case 'A' <= c && c <= 'Z':
			large = true
		case c != '-' && c != '_':
			return false
		}
	}
	return digits && small && large
}
