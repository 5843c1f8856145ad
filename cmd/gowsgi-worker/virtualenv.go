package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/control"
)

// otherVirtualenv adds to a missing module that a virtualenv lies beside the
// application which is not the one that it runs in, or beside its folder, as .venv
// does if --chdir is src; empty if there is none.
func otherVirtualenv(err error, plan control.Plan) string {
	var load *embed.LoadError
	if !errors.As(err, &load) || load.Missing == "" {
		return ""
	}
	folders := []string{"."}
	if file, _, _ := strings.Cut(plan.Settings.Target, ":"); strings.ContainsRune(file, filepath.Separator) {
		folders = append(folders, filepath.Dir(file))
	}
	for _, folder := range folders {
		if !slices.ContainsFunc(candidates(folder), func(path string) bool { return sameFile(path, plan.Python.Prefix) }) {
			folders = append(folders, filepath.Join(folder, "..")) // else it has what is meant for it
		}
	}
	for _, folder := range folders {
		for _, path := range candidates(folder) {
			path, err := filepath.Abs(path)
			if err != nil || sameFile(path, plan.Python.Prefix) {
				continue
			}
			if _, err := os.Stat(filepath.Join(path, "pyvenv.cfg")); err == nil {
				return "; there is a virtualenv that is not in use: --venv " + path
			}
		}
	}
	return ""
}

// candidates are where a folder's virtualenv is, by custom.
func candidates(folder string) []string {
	return []string{filepath.Join(folder, ".venv"), filepath.Join(folder, "venv"), filepath.Join(folder, "env")}
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	other, otherErr := os.Stat(b)
	return err == nil && otherErr == nil && os.SameFile(one, other)
}
