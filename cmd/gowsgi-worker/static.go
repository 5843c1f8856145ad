package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/static"
)

// findStatic puts what Django's settings say in the place of "django".
func (w *worker) findStatic(items []string) ([]string, error) {
	at := slices.Index(items, config.StaticDjango)
	if at < 0 {
		return items, nil
	}
	items, err := w.staticOfDjango(items, at)
	return items, config.Wrong(err)
}

func (w *worker) staticOfDjango(items []string, at int) ([]string, error) {
	found := w.app.DjangoFiles()
	path, err := config.StaticPath(found.Path)
	if err != nil {
		return nil, fmt.Errorf("static: django: STATIC_URL is %q: %w", found.Path, err)
	}
	if err := static.Try(found.Folder); err != nil {
		return nil, fmt.Errorf("static: django: STATIC_ROOT is %q: %w; manage.py collectstatic fills it", found.Folder, err)
	}
	if here, err := os.Getwd(); err == nil && static.Holds(found.Folder, here) {
		return nil, fmt.Errorf("static: django: STATIC_ROOT is %q, which has the application in it (%s), so its source would be public: set it to a folder of its own", found.Folder, here)
	}
	for i, item := range items {
		if own, _ := config.Mapping(item); i != at && own == path {
			return nil, fmt.Errorf("static: django: STATIC_URL is %q, which static names as well: leave out one of them", found.Path)
		}
	}
	if w.plan.Worker <= 1 { // the others found the same
		w.log.Info("files of Django's settings are served", "event", "static.found", "path", path, "folder", found.Folder)
	}
	items = slices.Clone(items)
	items[at] = path + "=" + found.Folder
	return items, nil
}
