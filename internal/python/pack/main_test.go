package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/gowsgi/gowsgi/internal/python/packed"
)

func TestFolderHoldsTheGivenWorkersAndNoOthers(t *testing.T) {
	builds, folder := t.TempDir(), t.TempDir()
	var workers []string
	for _, name := range []string{"gowsgi-worker-3.11", "gowsgi-worker-3.12"} {
		path := filepath.Join(builds, name)
		if err := os.WriteFile(path, []byte("executable of "+name), 0o755); err != nil {
			t.Fatal(err)
		}
		workers = append(workers, path)
	}
	for _, name := range []string{".gitignore", "gowsgi-worker-3.10.gz", "gowsgi-worker-3.12.gz"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		var stderr bytes.Buffer
		if status := run(append([]string{folder}, workers...), &stderr); status != 0 {
			t.Fatalf("status %d: %s", status, stderr.String())
		}
		entries, _ := os.ReadDir(folder)
		if len(entries) != 3 || entries[0].Name() != ".gitignore" {
			t.Errorf("the folder holds %v", entries)
		}
		for _, entry := range entries[1:] {
			file, err := os.ReadFile(filepath.Join(folder, entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			_, content, err := packed.Open(bytes.NewReader(file), func(name string) ([]byte, error) {
				return []byte("executable of " + name), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(content)
			if err != nil || "executable of "+entry.Name() != string(text)+".gz" {
				t.Errorf("%s holds %q, %v", entry.Name(), text, err)
			}
		}
	}
}

func TestMissingWorkerIsNamed(t *testing.T) {
	var stderr bytes.Buffer
	if status := run([]string{t.TempDir(), "/nonexistent/worker"}, &stderr); status != 1 || !bytes.Contains(stderr.Bytes(), []byte("/nonexistent/worker")) {
		t.Errorf("status %d: %s", status, stderr.String())
	}
	if status := run(nil, &stderr); status != 2 {
		t.Errorf("status %d without arguments", status)
	}
}
