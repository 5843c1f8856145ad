package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/static"
)

// withFolders makes the folders of files independent of where gowsgi runs, and sees
// that they are there and may be given to everybody. Relative ones count from Chdir,
// which in a bundle is the application's folder inside of it.
func withFolders(s config.Settings) (config.Settings, error) {
	base, err := filepath.Abs(s.Chdir)
	if err != nil {
		return s, fmt.Errorf("the current folder is gone: %w", err)
	}
	from := func(path string) string {
		if filepath.IsAbs(path) {
			return filepath.Clean(path)
		}
		return filepath.Join(base, path)
	}
	var errs []error
	try := func(flag, folder string, public bool) {
		err := static.Try(folder)
		if inside := applicationIn(&s, base, folder); err == nil && public && inside != "" {
			err = fmt.Errorf("the application is in that folder (%s), so its source would be public: name one that has nothing but files for everybody", inside)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", flag, err))
		}
	}
	all := func(flag string, items []string, public bool) []string {
		items = slices.Clone(items)
		for i, item := range items {
			if item == config.StaticDjango && public {
				continue // the worker asks for it
			}
			path, folder := config.Mapping(item)
			folder = from(folder)
			try(flag+" "+item, folder, public)
			if items[i] = folder; path != "" {
				items[i] = path + "=" + folder
			}
		}
		return items
	}
	s.Static = all("--static", s.Static, true)
	s.Mounts = slices.Clone(s.Mounts)
	for i, m := range s.Mounts {
		s.Mounts[i].Static = all("static of mount "+m.Name(), m.Static, true)
	}
	s.SendfileRoot = all("--sendfile-root", s.SendfileRoot, false)
	if s.DocumentRoot != "" {
		given := s.DocumentRoot
		s.DocumentRoot = from(given)
		try("--document-root "+given, s.DocumentRoot, true)
	}
	return s, config.Wrong(inLines(errs))
}

// applicationIn is what of the application is in a folder; empty: nothing, as far as
// can be seen from outside.
func applicationIn(s *config.Settings, base, folder string) string {
	places := append([]string{base}, s.Pythonpath...)
	for _, m := range s.Applications() {
		if strings.Contains(m.Target, "/") {
			places = append(places, filepath.Dir(m.Target))
		}
	}
	for _, place := range places {
		if !filepath.IsAbs(place) {
			place = filepath.Join(base, place)
		}
		if static.Holds(folder, place) {
			return place
		}
	}
	return ""
}
