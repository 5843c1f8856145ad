package config

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
)

// StaticDjango is the item of static that stands for what Django's settings say.
const StaticDjango = "django"

// Mapping takes an item of static or sendfile_root apart: a path, which is empty if it
// has none, and a folder.
func Mapping(item string) (urlPath, folder string) {
	if urlPath, folder, found := strings.Cut(item, "="); found && strings.HasPrefix(urlPath, "/") {
		return urlPath, folder
	}
	return "", item
}

// staticItem is an item of static.
func staticItem(item string) (string, error) {
	if item == StaticDjango {
		return item, nil
	}
	urlPath, folder := Mapping(item)
	if urlPath == "" {
		return "", errors.New("must be /path=DIR, such as /static=assets, or django")
	}
	return mapping(urlPath, folder)
}

// sendfileItem is an item of sendfile_root.
func sendfileItem(item string) (string, error) {
	urlPath, folder := Mapping(item)
	if urlPath == "" {
		return somePath(folder)
	}
	return mapping(urlPath, folder)
}

func mapping(urlPath, folder string) (string, error) {
	urlPath, err := StaticPath(urlPath)
	if err != nil {
		return "", err
	}
	if folder == "" {
		return "", errors.New("names no folder behind the =")
	}
	folder, err = somePath(folder)
	return urlPath + "=" + folder, err
}

// StaticPath checks a path that files are served below, and takes the slash at its end
// off.
func StaticPath(urlPath string) (string, error) {
	urlPath = strings.TrimSuffix(urlPath, "/")
	switch {
	case urlPath == "":
		return "", errors.New("the path / is all of the site: name the folder with document_root, which leaves the rest to the application")
	case !isLine(urlPath) || urlPath[0] != '/' || filepath.Clean(urlPath) != urlPath || strings.ContainsAny(urlPath, "?#%="):
		return "", errors.New("the path must be written as it is, such as /static: no %, ?, #, = and //, and no dot segments")
	}
	return urlPath, nil
}

// fileName is an item of static_index.
func fileName(item string) (string, error) {
	if !isPath(item) || strings.Contains(item, "/") || strings.HasPrefix(item, ".") {
		return "", errors.New("must be a file's name, without a / and without a dot at its beginning")
	}
	return item, nil
}

// checkFiles: a path leads to one folder, and the application keeps some.
func (l *loader) checkFiles() {
	s := &l.settings
	for _, list := range []struct {
		key   string
		items []string
	}{{"static", s.Static}, {"sendfile_root", s.SendfileRoot}} {
		seen := map[string]bool{}
		for _, item := range list.items {
			urlPath, folder := Mapping(item)
			name := urlPath
			if name == "" {
				name = folder
			}
			if seen[name] {
				l.complain(l.origin[list.key], list.key, shown(name)+" is given twice; leave out one of them")
			}
			seen[name] = true
		}
	}
	for _, item := range s.Static {
		if urlPath, _ := Mapping(item); urlPath != "" && s.Mount != "" && (s.Mount == urlPath || strings.HasPrefix(s.Mount, urlPath+"/")) {
			l.complain(l.origin["static"], "static", shown(urlPath)+" would take all paths of the application, since mount is "+s.Mount+"; give it another path")
		}
	}
	none := len(s.Static) == 0 && s.DocumentRoot == "" && !slices.ContainsFunc(s.Mounts, func(m Mount) bool { return len(m.Static) > 0 })
	for _, option := range []struct {
		key string
		set bool
	}{
		{"static_listing", s.StaticListing},
		{"static_max_age", l.origin["static_max_age"] != ""},
		{"static_index", l.origin["static_index"] != ""},
	} {
		if option.set && none && !l.refused["static"] {
			l.notes = append(l.notes, Note{Text: option.key + " is for files, and neither static nor document_root names any", Warning: true})
		}
	}
}
