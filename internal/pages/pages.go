// Package pages is what clients are shown in the place of gowsgi's own one-line
// answers: files, by status, which are read once.
package pages

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Page is a body and its media type.
type Page struct {
	Type string
	Body []byte
}

// Pages are those that there are, by status. A nil one has none.
type Pages map[int]Page

// largest is how large a page may be: each worker keeps it.
const largest = 1 << 20

var types = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	".json": "application/json", ".xml": "application/xml", ".svg": "image/svg+xml",
}

// Read adds the file to those statuses. The error is one sentence.
func (p Pages) Read(path string, statuses []int) error {
	media := types[strings.ToLower(filepath.Ext(path))]
	if media == "" {
		return fmt.Errorf("--error-page: what %s is cannot be seen from its name: call it .html, .txt, .json, .xml or .svg", path)
	}
	// Without waiting: it may be a pipe.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("--error-page: %s cannot be read: %w: let the workers' user read it, or name another file", path, errors.Unwrap(err))
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > largest {
		return fmt.Errorf("--error-page: %s is no file of at most 1 MiB: name another", path)
	}
	body, err := io.ReadAll(io.LimitReader(file, largest))
	if err != nil {
		return fmt.Errorf("--error-page: %s cannot be read: %w: name another file", path, errors.Unwrap(err))
	}
	for _, status := range statuses {
		p[status] = Page{media, body}
	}
	return nil
}
