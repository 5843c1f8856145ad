package build

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/bundle/elfedit"
)

// archive writes the contents of a bundle's files.
type archive struct {
	compiler *compiler
	cacheTag string
	loader   string // in the bundle; empty: the machine's own
	to       *zstd.Encoder
	files    []bundle.File
}

// write writes all of it behind gowsgi, and returns what the manifest says of the files.
func (c *collection) write(ctx context.Context, to io.Writer, head, program []byte, answer probed, python, loader string) (files []bundle.File, err error) {
	compiler, err := newCompiler(ctx, python)
	if err != nil {
		return nil, err
	}
	defer compiler.close()
	encoder, err := bundle.Compress(to, head)
	if err != nil {
		return nil, err
	}
	if _, err := encoder.Write(program); err != nil {
		return nil, err
	}
	a := &archive{compiler: compiler, cacheTag: answer.CacheTag, loader: loader, to: encoder}
	if err := c.addBytecode(a); err != nil {
		return nil, err
	}
	for _, s := range c.sorted() {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		if err := a.add(s); err != nil {
			return nil, err
		}
	}
	return a.files, encoder.Close()
}

// addBytecode adds a place for the bytecode of each module.
func (c *collection) addBytecode(a *archive) error {
	for _, s := range c.sorted() {
		if !s.python {
			continue
		}
		data, err := a.compiler.compile(s.from, s.path)
		if err != nil {
			return err
		}
		if data != nil { // else CPython will say what is wrong, if anybody imports it
			name := strings.TrimSuffix(path.Base(s.path), ".py") + "." + a.cacheTag + ".pyc"
			c.add(source{path: path.Join(path.Dir(s.path), "__pycache__", name), content: data})
		}
	}
	return nil
}

func (a *archive) add(s source) error {
	file := bundle.File{Path: s.path, Link: s.link, Executable: s.executable}
	if s.link != "" {
		a.files = append(a.files, file)
		return nil
	}
	content, err := a.content(s, &file)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	file.Part = bundle.Part{Size: int64(len(content)), SHA256: fmt.Sprintf("%x", sum)}
	a.files = append(a.files, file)
	_, err = a.to.Write(content)
	return err
}

// content is what a file of the bundle holds.
func (a *archive) content(s source, file *bundle.File) ([]byte, error) {
	content := s.content
	if s.from != "" {
		var err error
		if content, err = os.ReadFile(s.from); err != nil {
			return nil, err
		}
	}
	if !elfedit.Is(content) {
		return content, nil
	}
	original := content
	strip := elfedit.StripDebug
	// As distributions do with libpython; Go has the names of its functions elsewhere.
	if s.path == bundle.WorkerPath || strings.HasPrefix(s.path, bundle.PythonPath+"/") {
		strip = elfedit.StripSymbols
	}
	content, err := strip(content)
	if err == nil {
		content, err = elfedit.ForgetPaths(content)
	}
	if errors.Is(err, elfedit.ErrShape) {
		return original, nil // it is loaded by something else
	}
	if err != nil {
		return nil, err
	}
	loads := a.loader != "" && s.executable && s.path != a.loader && hasLoader(content)
	search := s.search
	if loads && search == "" && s.path != bundle.WorkerPath { // that one is told
		rel, err := filepath.Rel(path.Dir(s.path), libraries)
		if err != nil {
			return nil, err
		}
		search = "$ORIGIN/" + rel
	}
	if search != "" && hasLoader(content) {
		if content, err = elfedit.SetPath(content, search); err != nil {
			return nil, fmt.Errorf("%s cannot be told where its libraries will be: %w", s.from, err)
		}
	}
	if loads {
		file.Loads = true
		err = bundle.ForgetLoader(content)
	}
	return content, err
}

// hasLoader tells whether a file is a program that the C library's loader starts.
func hasLoader(content []byte) bool {
	file, err := elf.NewFile(strings.NewReader(string(content)))
	if err != nil {
		return false
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
}
