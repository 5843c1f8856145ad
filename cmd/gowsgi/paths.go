package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/config"
)

// absolute makes the paths that gowsgi itself uses independent of where it
// runs. Relative ones count from Chdir, which must exist, the virtualenv from here.
func absolute(s config.Settings) (config.Settings, error) {
	s, err := fromChdir(s)
	return s, config.Wrong(err)
}

func fromChdir(s config.Settings) (config.Settings, error) {
	if s.Venv != "" { // a shell completes it from here
		venv, err := filepath.Abs(s.Venv)
		if err != nil {
			return s, fmt.Errorf("the current folder is gone: %w", err)
		}
		s.Venv = venv
	}
	base, err := filepath.Abs(s.Chdir)
	if err != nil {
		return s, fmt.Errorf("the current folder is gone: %w", err)
	}
	if s.Chdir != "" {
		info, err := os.Stat(base)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return s, fmt.Errorf("--chdir %s cannot be entered: %w: let user %d enter all folders down to it", base, errors.Unwrap(err), os.Geteuid())
		}
		if err != nil || !info.IsDir() {
			return s, fmt.Errorf("--chdir %s: there is no such folder: create it, or name another", base)
		}
		s.Chdir = base
	}
	from := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(base, path)
	}
	s.Pid, s.BasicAuth, s.Mounts = from(s.Pid), from(s.BasicAuth), slices.Clone(s.Mounts)
	for i := range s.Mounts {
		if own := &s.Mounts[i].BasicAuth; *own != nil {
			path := from(**own)
			*own = &path
		}
	}
	for _, m := range s.Applications() {
		path := s.GuardOf(m).BasicAuth
		if path != "" && isAbsent(path) {
			return s, fmt.Errorf("--basic-auth: there is no file %s: make it with htpasswd -B -c, or name another", path)
		}
	}
	for _, path := range []*string{&s.ErrorLogfile, &s.AccessLogfile} {
		if *path != "-" {
			*path = from(*path)
		}
	}
	var files []string
	for _, file := range s.ReloadExtraFile {
		files = append(files, from(file))
	}
	s.ReloadExtraFile = files
	for _, list := range []*[]string{&s.Certfile, &s.Keyfile} {
		paths := slices.Clone(*list)
		for i, file := range paths {
			paths[i] = from(file)
		}
		*list = paths
	}
	s.CACerts = from(s.CACerts)
	var pages []string
	for _, page := range s.ErrorPage {
		statuses, file, _ := strings.Cut(page, "=")
		if isAbsent(from(file)) {
			return s, fmt.Errorf("--error-page: there is no file %s: create it, or name another", from(file))
		}
		pages = append(pages, statuses+"="+from(file))
	}
	s.ErrorPage = pages
	if s.ACMEStorage, err = acmeStorage(s); err != nil {
		return s, err
	}
	s.ACMEStorage = from(s.ACMEStorage)
	binds := make([]string, len(s.Bind))
	for i, bind := range s.Bind {
		if path, ok := strings.CutPrefix(bind, "unix:"); ok && !strings.HasPrefix(path, "@") { // that one is no file
			bind = "unix:" + from(path)
		}
		binds[i] = bind
	}
	s.Bind = binds
	if path, ok := strings.CutPrefix(s.Control, "unix:"); ok {
		s.Control = "unix:" + from(path)
	}
	return s, nil
}

func isAbsent(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// absentFolders are notes on what --pythonpath names and is not there: Python passes
// over it in silence, and what was to come from there is missing or another's.
func absentFolders(s config.Settings) (notes []config.Note) {
	for _, folder := range s.Pythonpath {
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(s.Chdir, folder) // as the worker has it
		}
		if isAbsent(folder) {
			notes = append(notes, config.Note{Text: "--pythonpath " + folder + ": there is no such folder, so nothing is imported from it", Warning: true})
		}
	}
	return notes
}
