package config

import (
	"errors"
	"math"
	"strings"
)

// compressionRows say which responses are encoded.
func compressionRows() []setting {
	return []setting{
		{
			name: "compress", group: groupCompression, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.Compress }),
			help: "Compress responses, with zstd or gzip, for those clients that accept it.",
			more: "Of a page that shows a secret beside what somebody else can choose, the size tells the secret (BREACH): see docs/internet.md.",
		},
		{
			name: "compress-types", group: groupCompression, meta: "TYPES", def: "common",
			kind: list{field: func(s *Settings) *[]string { return &s.CompressTypes }, item: mediaType, want: "a media type such as text/html, text/* or common", commas: true, least: 1},
			help: "Compress these media types.",
			more: "common are HTML, CSS, JavaScript, JSON, XML, plain text, SVG, WebAssembly and their like. Add text/event-stream only if there are few: a stream keeps 1 to 2 MB while it lasts, and no more than 64 in a worker are compressed.",
		},
		{
			name: "compress-min-size", group: groupCompression, meta: "SIZE", def: "1K",
			kind: size(func(s *Settings) *int64 { return &s.CompressMinSize }, 0, math.MaxInt64),
			help: "Compress no body that is smaller than this.",
			more: "One of unknown length, from an iterator that goes on, is compressed whatever comes of it.",
		},
		{
			name: "compress-level", group: groupCompression, meta: "N", def: "5",
			kind: number(func(s *Settings) *int { return &s.CompressLevel }, 1, 9),
			help: "How much time to take for it: 1, the quickest, to 9, the smallest.",
		},
		{
			name: "compress-cookies", group: groupCompression, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.CompressCookies }),
			help: "Compress responses that set a cookie, too.",
			more: "They show who somebody is, as a rule, and are what BREACH is about.",
		},
	}
}

// mediaType is an item of compress_types.
func mediaType(item string) (string, error) {
	item = strings.ToLower(item)
	if item == "common" {
		return item, nil
	}
	kind, name, found := strings.Cut(item, "/")
	if !found || !isToken(kind) || strings.Contains(kind, "*") || name != "*" && (!isToken(name) || strings.Contains(name, "*")) {
		return "", errors.New("must be a media type such as text/html, text/* for all of a kind, or common")
	}
	return item, nil
}
