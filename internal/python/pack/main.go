// Pack puts workers, or another program, inside the next gowsgi that is built:
//
//	go run ./internal/python/pack FOLDER WORKER...
//
// writes FOLDER/NAME.gz for each executable WORKER of base name NAME
// (gowsgi-worker-3.11), and removes what an earlier build left there: a worker
// must be of the same source as the gowsgi it is in. The one in the middle is packed
// whole, the others as what differs from it. make build calls it.
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
	middle := len(workers) / 2
	err := pack(folder, workers[middle], nil)
	if whole, readErr := os.ReadFile(workers[middle]); readErr == nil {
		base := &packed.Base{Name: filepath.Base(workers[middle]), Executable: whole}
		for i, worker := range workers {
			if i != middle {
				err = errors.Join(err, pack(folder, worker, base))
			}
		}
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
func pack(folder, worker string, base *packed.Base) error {
	executable, err := os.ReadFile(worker)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, filepath.Base(worker)+".gz")
	if old, err := os.ReadFile(path); err == nil {
		if packed.IsLike(bytes.NewReader(old), executable, base) {
			return nil
		}
	}
	var file bytes.Buffer
	if base == nil {
		err = packed.Write(&file, executable)
	} else {
		err = packed.WriteDifference(&file, executable, *base)
	}
	if err != nil {
		return err
	}
	// Beside, then renamed: a build that is interrupted leaves no half file.
	unfinished := path + ".tmp"
	if err := os.WriteFile(unfinished, file.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}
