package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/gowsgi/gowsgi/internal/config"
)

// acmeStorage is where certificates are kept that gowsgi obtains: where the settings
// have it, or else where programs keep what is to outlive them.
func acmeStorage(s config.Settings) (string, error) {
	if len(s.ServerName) == 0 || s.ACMEStorage != "" {
		return s.ACMEStorage, nil
	}
	if state, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); filepath.IsAbs(state) {
		return filepath.Join(state, "acme"), nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/gowsgi/acme", nil
	}
	data := os.Getenv("XDG_DATA_HOME")
	if home := os.Getenv("HOME"); !filepath.IsAbs(data) && filepath.IsAbs(home) {
		data = filepath.Join(home, ".local", "share")
	}
	if !filepath.IsAbs(data) {
		return "", errors.New("there is no folder for the certificates of --server-name, since $HOME is not set: name one with --acme-storage")
	}
	return filepath.Join(data, "gowsgi", "acme"), nil
}
