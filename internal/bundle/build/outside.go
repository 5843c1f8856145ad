package build

import (
	"path/filepath"
	"slices"

	"github.com/gowsgi/gowsgi/internal/config"
)

// noteOutside names the files of the settings that are a machine's and not the site's:
// they are not in the bundle, and relative paths of them count from wherever it is
// started, which need not be here.
func (c *collection) noteOutside(s *config.Settings, executable string) {
	note := func(setting string, files ...string) {
		for _, file := range files {
			if file != "" && !filepath.IsAbs(file) {
				c.note("%s %s stays outside, and is looked for in the folder where %s is started: write its whole path", setting, file, filepath.Base(executable))
			}
		}
	}
	note("certfile", s.Certfile...)
	note("keyfile", s.Keyfile...)
	note("ca_certs", s.CACerts)
	note("acme_storage", s.ACMEStorage)
	var passwords []string
	for _, m := range s.Applications() {
		if own := s.GuardOf(m).BasicAuth; !slices.Contains(passwords, own) {
			passwords = append(passwords, own)
		}
	}
	note("basic_auth", passwords...)
	for _, item := range s.ErrorPage {
		if _, file, err := config.SplitErrorPage(item); err == nil {
			note("error_page", file)
		}
	}
}
