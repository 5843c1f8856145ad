// Pack puts workers inside the next gowsgi that is built:
//
//	go run ./internal/python/pack FOLDER WORKER...
//
// writes FOLDER/NAME.gz for each executable WORKER of base name NAME
// (gowsgi-worker-3.11), and removes what an earlier build left there: a worker
// must be of the same source as the gowsgi it is in. make build calls it.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/internal/python/packed"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	if len(args) < 2 {
		fmt.Fprintln(stderr, "usage: pack FOLDER WORKER...")
		return 2
	}
	folder, workers := args[0], args[1:]
	var err error
	for _, worker := range workers {
		err = errors.Join(err, pack(folder, worker))
	}
	if err = errors.Join(err, removeOthers(folder, workers)); err != nil {
		fmt.Fprintf(stderr, "pack: %v\n", err)
		return 1
	}
	return 0
}

func removeOthers(folder string, workers []string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.gz"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".gz")
		if !slices.ContainsFunc(workers, func(worker string) bool { return filepath.Base(worker) == name }) {
			err = errors.Join(err, os.Remove(file))
		}
	}
	return err
}

// pack leaves a file alone that is right already: go build would otherwise
// link gowsgi anew.
func pack(folder, worker string) error {
	executable, err := os.ReadFile(worker)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, filepath.Base(worker)+".gz")
	if old, err := os.ReadFile(path); err == nil {
		if hash, _, err := packed.Open(bytes.NewReader(old)); err == nil && hash == packed.Hash(executable) {
			return nil
		}
	}
	var file bytes.Buffer
	if err := packed.Write(&file, executable); err != nil {
		return err
	}
	// Beside, then renamed: a build that is interrupted leaves no half file.
	unfinished := path + ".tmp"
	if err := os.WriteFile(unfinished, file.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}
