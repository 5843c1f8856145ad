package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/gowsgi/gowsgi/embed"
	"github.com/gowsgi/gowsgi/internal/control"
)

// otherVirtualenv adds to a missing module that a virtualenv lies beside the
// application which is not the one that it runs in; empty if there is none.
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
		for _, name := range []string{".venv", "venv", "env"} {
			path, err := filepath.Abs(filepath.Join(folder, name))
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

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	other, otherErr := os.Stat(b)
	return err == nil && otherErr == nil && os.SameFile(one, other)
}
