package static

import (
	"net/http"
	"testing"
)

func TestFingerprintedNames(t *testing.T) {
	for name, want := range map[string]bool{
		"css/base.27e20196a850.css":                           true, // Django
		"admin/js/jquery.min.27e20196a850.js":                 true,
		"main.8ec1b8d3.chunk.js":                              true, // webpack
		"main.8ec1b8d3.js.map":                                true,
		"static/js/main.0f3d9a4c5b6e7f8091a2.js":              true,
		"0f3d9a4c5b6e7f8091a2.png":                            true,
		"_next/static/chunks/pages/index-1a2b3c4d5e6f7890.js": true,
		"assets/index-BUhyRkP5.js":                            true, // Vite
		"assets/vendor-x-D4_x-9Za.css":                        true,

		"jquery-3.7.1.min.js":   false,
		"app.js":                false,
		"jquery-validate.js":    false,
		"bootstrap-20240101.js": false,
		"report.20240101.pdf":   false,
		"a.deadbeef.js":         false, // a word
		"main.8EC1B8D3.js":      false,
		"abc1234.js":            false,
		"1a2b3c4d.js":           false,
		"550e8400-e29b-41d4-a716-446655440000.png":        false,
		"avatar-550e8400-e29b-41d4-a716-446655440000.png": false,
		"27e20196a850":              false, // git
		"x/27e20196a850.d/base.css": false,
		"DSC-20240101.JPG":          false,
		"":                          false,
		"a.b":                       false,
	} {
		if isFingerprinted(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestTypesAreTheSameEverywhere(t *testing.T) {
	for name, want := range map[string]string{
		"a.html": "text/html; charset=utf-8", "x/a.JS": "text/javascript; charset=utf-8", "a.tar.gz": "application/gzip",
		"a.wasm": "application/wasm", "a": unknownType, "a.": unknownType, "a.unknown": unknownType, "a.svg": "image/svg+xml",
		".well-known/apple-app-site-association": "application/json", "js.d/readme": unknownType,
	} {
		if got := typeOf(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// RFC 9110, 12.5.3.
func TestTheBestCodingIsChosen(t *testing.T) {
	versions := []*version{{}, {coding: "br"}, {coding: "zstd"}, {coding: "gzip"}}
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "gzip, br": "br", "gzip, zstd": "zstd", "*": "br", "identity": "",
		"br;q=0.5, gzip;q=1.0": "gzip", "br;q=0, gzip": "gzip", "br;q=0, *": "zstd", "*;q=0": "", "gzip;q=0": "",
		"GZIP": "gzip", "x-gzip": "gzip", "gzip;q=0.001": "gzip", "gzip;q=x": "", "gzip; q = 0.5": "gzip", "gzip;q=2": "",
		"br;q=0.5;q=1, gzip;q=0.7": "gzip", "deflate": "", " , ,br": "br", "brotli": "", "gzip;q=NaN": "",
	} {
		if got := choose(versions, []string{accept}).coding; got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
	if got := choose(versions, http.Header{}["Accept-Encoding"]).coding; got != "" {
		t.Error("no field: " + got)
	}
	if got := choose(versions, []string{"deflate", "gzip"}).coding; got != "gzip" {
		t.Error("two fields: " + got)
	}
	if got := choose(versions[:1], []string{"br"}).coding; got != "" {
		t.Error("no siblings: " + got)
	}
}
