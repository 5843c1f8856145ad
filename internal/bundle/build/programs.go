package build

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/bundle/elfedit"
	"github.com/gowsgi/gowsgi/internal/python"
	"github.com/gowsgi/gowsgi/internal/python/packed"
)

// heads holds what make build put into head/; all: lets an empty folder with its
// .gitignore compile.
//
//go:embed all:head
var heads embed.FS

const headFile = "head/gowsgi-head.gz"

// head is what a bundle begins with, of those that are inside.
func head(inside fs.FS) ([]byte, error) {
	file, err := fs.ReadFile(inside, headFile)
	if err != nil {
		return nil, errors.New("this gowsgi holds nothing that a bundle could begin with: build it with make build")
	}
	_, content, err := packed.Open(bytes.NewReader(file), nil)
	if err != nil {
		return nil, fmt.Errorf("what a bundle begins with: %w: build or download this gowsgi again", err)
	}
	whole, err := io.ReadAll(content)
	if err != nil {
		return nil, fmt.Errorf("what a bundle begins with: %w: build or download this gowsgi again", err)
	}
	head, err := elfedit.Loaded(whole, nil)
	if err != nil {
		return nil, fmt.Errorf("what a bundle begins with is no program that can: %w", err)
	}
	bundle.Mark(head)
	return head, nil
}

// program is this gowsgi as a bundle holds it: without what it carries for others.
func program() ([]byte, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	carried := python.Inside().Packed()
	if head, err := heads.ReadFile(headFile); err == nil {
		carried = append(carried, head)
	}
	loaded, err := elfedit.Loaded(whole, carried)
	if err != nil {
		return nil, fmt.Errorf("%s cannot become a part of a bundle: %w", path, err)
	}
	return loaded, nil
}

// part is what the manifest says of bytes.
func part(content []byte) bundle.Part {
	return bundle.Part{Size: int64(len(content)), SHA256: bundle.Sum(content)}
}
