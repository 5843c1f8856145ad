package static

import (
	"path"
	"strings"
)

const unknownType = "application/octet-stream"

// types are media types by the end of a name, the same on every machine. Text says
// that it is UTF-8.
var types = map[string]string{
	".html": "text/html", ".htm": "text/html", ".xhtml": "application/xhtml+xml",
	".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".cjs": "text/javascript",
	".json": "application/json", ".map": "application/json", ".jsonld": "application/ld+json",
	".geojson": "application/geo+json", ".webmanifest": "application/manifest+json", ".wasm": "application/wasm",
	".xml": "application/xml", ".xsl": "application/xml", ".rss": "application/rss+xml", ".atom": "application/atom+xml",
	".kml": "application/vnd.google-earth.kml+xml", ".gpx": "application/gpx+xml",
	".txt": "text/plain", ".text": "text/plain", ".log": "text/plain", ".md": "text/markdown",
	".csv": "text/csv", ".tsv": "text/tab-separated-values", ".ics": "text/calendar", ".vcf": "text/vcard", ".vtt": "text/vtt",
	".yaml": "application/yaml", ".yml": "application/yaml", ".toml": "application/toml",

	".svg": "image/svg+xml", ".png": "image/png", ".apng": "image/apng", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
	".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif", ".jxl": "image/jxl", ".ico": "image/x-icon",
	".cur": "image/x-icon", ".bmp": "image/bmp", ".tif": "image/tiff", ".tiff": "image/tiff", ".heic": "image/heic", ".heif": "image/heif",

	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf", ".ttc": "font/collection",
	".eot": "application/vnd.ms-fontobject",

	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".oga": "audio/ogg", ".ogg": "audio/ogg", ".opus": "audio/ogg",
	".flac": "audio/flac", ".wav": "audio/wav", ".weba": "audio/webm", ".mid": "audio/midi", ".midi": "audio/midi",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime",
	".mpeg": "video/mpeg", ".mpg": "video/mpeg", ".avi": "video/x-msvideo", ".mkv": "video/matroska", ".m4s": "video/iso.segment",
	".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml", ".ts": "video/mp2t",

	".pdf": "application/pdf", ".ps": "application/postscript", ".eps": "application/postscript", ".rtf": "application/rtf",
	".epub": "application/epub+zip", ".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".odp": "application/vnd.oasis.opendocument.presentation",

	".zip": "application/zip", ".gz": "application/gzip", ".tgz": "application/gzip", ".zst": "application/zstd", ".bz2": "application/x-bzip2",
	".xz": "application/x-xz", ".tar": "application/x-tar", ".7z": "application/x-7z-compressed", ".rar": "application/vnd.rar",
	".jar": "application/java-archive", ".apk": "application/vnd.android.package-archive", ".whl": "application/zip",
	".deb": "application/vnd.debian.binary-package", ".rpm": "application/x-rpm", ".iso": "application/x-iso9660-image",
}

// namedTypes are those of whole names.
var namedTypes = map[string]string{"apple-app-site-association": "application/json"}

// typeOf is the media type of a file by its name.
func typeOf(name string) string {
	base := path.Base(name)
	known := types[strings.ToLower(path.Ext(base))]
	switch {
	case known == "":
		known = namedTypes[base]
	case strings.HasPrefix(known, "text/"):
		return known + "; charset=utf-8"
	}
	if known == "" {
		return unknownType
	}
	return known
}

// isPage tells whether a file is looked at by itself, and names the others.
func isPage(mediaType string) bool {
	return strings.HasPrefix(mediaType, "text/html") || mediaType == "application/xhtml+xml"
}
