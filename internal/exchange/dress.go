package exchange

import (
	"errors"
	"log/slog"
	"os"
	"strings"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/fields"
	"github.com/gowsgi/gowsgi/internal/pages"
)

// dress is what responses look like on their way out.
type dress struct {
	edits *fields.Edits // of their fields
	pages pages.Pages   // in the place of gowsgi's own answers
}

// newDress reads the pages. One that has gone since gowsgi looked is none: a worker that
// takes another one's place serves the site without it.
func newDress(s *config.Settings, log *slog.Logger) (dress, error) {
	d := dress{}
	var added [][2]string
	for _, item := range s.AddField {
		name, value := config.SplitField(item)
		added = append(added, [2]string{name, value})
	}
	d.edits = fields.New(added, s.RemoveField)
	for _, item := range s.ErrorPage {
		statuses, file, err := config.SplitErrorPage(item)
		if err != nil {
			return d, err
		}
		if d.pages == nil {
			d.pages = pages.Pages{}
		}
		err = d.pages.Read(file, statuses)
		if errors.Is(err, os.ErrNotExist) {
			log.Error("a page of error_page is gone, and its statuses have gowsgi's own words: put it back, or name another, and reload", "event", "page.missing", "path", file)
			continue
		}
		if err != nil {
			return d, config.Wrong(err)
		}
	}
	return d, nil
}

// Edits are the fields that responses get if they have none of their names, and the
// names of those that they lose before.
func (d *dress) Edits() (added [][2]string, removed []string) { return d.edits.All() }

// Dress makes of an answer of gowsgi's own what the settings want it to be.
func (d *dress) Dress(status int, fields [][2]string, body string) ([][2]string, string) {
	if page, ok := d.pages[status]; ok {
		body = string(page.Body)
		for i := range fields {
			if strings.EqualFold(fields[i][0], "Content-Type") {
				fields[i][1] = page.Type
			}
		}
	}
	return d.edits.Apply(fields), body
}
