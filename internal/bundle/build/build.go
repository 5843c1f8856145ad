package build

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/internal/bundle"
	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/control"
	"github.com/gowsgi/gowsgi/internal/python"
	"github.com/gowsgi/gowsgi/internal/version"
)

// Options say what to build.
type Options struct {
	Output           string
	Settings         config.Settings // of the site; Chdir is the application's folder
	Include, Exclude []string
	Full             bool // with what nobody serves with
	WithLibc         bool
	Program          string // gowsgi as it was called

	// Found is called with the interpreter whose packages go in, before they do.
	Found func(control.Python)
}

// settingsOfHere are those that say where things are on this machine.
var settingsOfHere = []string{"target", "chdir", "venv", "pythonpath", "bundle_dir"}

// Build makes a bundle and returns its manifest.
func Build(ctx context.Context, o Options) (*bundle.Manifest, error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("gowsgi build makes executables for Linux, on Linux")
	}
	folder, err := filepath.Abs(cmp.Or(o.Settings.Chdir, "."))
	if err != nil {
		return nil, err
	}
	if home, err := os.UserHomeDir(); folder == "/" || err == nil && folder == filepath.Clean(home) {
		return nil, fmt.Errorf("%s is taken for the application's folder and would go in whole: name the right one with --chdir", folder)
	}
	output, err := filepath.Abs(o.Output)
	if err != nil {
		return nil, err
	}
	if file, err := filepath.EvalSymlinks(output); err == nil {
		output = file // a link stays one: it may be /dev/stdout
	}
	if err := checkOutput(output); err != nil {
		return nil, err
	}
	if o.Settings, err = targetsInApplication(folder, o.Settings); err != nil {
		return nil, err
	}
	found, err := python.FindAs(ctx, python.Where{Venv: o.Settings.Venv, Program: o.Program, Folder: folder}, nil, nil)
	if err != nil {
		return nil, err
	}
	o.Found(found)
	worker, err := python.Inside().Executable(found)
	if err != nil {
		return nil, err
	}
	answer, err := probe(ctx, found.Executable)
	if err != nil {
		return nil, err
	}
	c := newCollection()
	m := &bundle.Manifest{
		Gowsgi: version.Version, Name: siteName(o), Target: o.Settings.Target, Packages: inventory(answer.Packages, o.Full),
	}
	if m.Settings, err = o.Settings.Changed(settingsOfHere...); err != nil {
		return nil, err
	}
	c.noteOutside(&o.Settings, output)
	for _, each := range o.Settings.Pythonpath {
		rel, err := inApplication(folder, each)
		if err != nil {
			return nil, err
		}
		m.Path = append(m.Path, path.Join(bundle.AppPath, rel))
	}
	if m.Python, err = c.addInterpreter(found, answer, o.Full); err != nil {
		return nil, err
	}
	if err := c.addPackages(answer, folder, append(m.Path, bundle.AppPath), o.Full); err != nil {
		return nil, err
	}
	if err := c.addTimeZones(sitePath(answer.Purelib, answer), answer.Packages); err != nil {
		return nil, err
	}
	if err := c.addApplication(folder, output, o.Include, o.Exclude); err != nil {
		return nil, err
	}
	if !o.Full {
		if err := c.leaveOutUnused(); err != nil {
			return nil, err
		}
	}
	if err := c.checkTargets(folder, found.Prefix, &o.Settings); err != nil {
		return nil, err
	}
	c.add(source{path: bundle.WorkerPath, content: worker, executable: true})
	if err := c.addWorkersLibraries(worker, answer, m, o.WithLibc); err != nil {
		return nil, err
	}
	m.Scripts = c.scripts()
	return m, c.save(ctx, output, answer, found.Executable, m)
}

// addWorkersLibraries adds the libraries of the worker, which is in no file yet, and
// of all else.
func (c *collection) addWorkersLibraries(worker []byte, answer probed, m *bundle.Manifest, withLibc bool) error {
	file, err := os.CreateTemp("", "gowsgi-worker-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(worker)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	m.Loader, m.Glibc, err = c.addLibraries(file.Name(), answer.Executable, withLibc)
	return err
}

// inApplication is a folder of the site's pythonpath, from the application's.
func inApplication(folder, each string) (string, error) {
	at := each
	if !filepath.IsAbs(at) {
		at = filepath.Join(folder, at)
	}
	rel, ok := below(folder, at)
	if !ok {
		return "", fmt.Errorf("pythonpath %s is not in the application's folder %s, and would be missing in the bundle: name a folder above both with --chdir", each, folder)
	}
	return filepath.ToSlash(rel), nil
}

// targetsInApplication are settings whose targets that name a file by its whole path
// name it from the application's folder, as it will be elsewhere.
func targetsInApplication(folder string, s config.Settings) (config.Settings, error) {
	var err error
	if s.Target, err = targetInApplication(folder, s.Target); err != nil {
		return s, err
	}
	s.Mounts = slices.Clone(s.Mounts)
	for i := range s.Mounts {
		if s.Mounts[i].Target, err = targetInApplication(folder, s.Mounts[i].Target); err != nil {
			return s, err
		}
	}
	return s, nil
}

func targetInApplication(folder, target string) (string, error) {
	if !filepath.IsAbs(target) {
		return target, nil
	}
	file, callable := target, ""
	if _, err := os.Stat(target); err != nil {
		file, callable, _ = strings.Cut(target, ":")
	}
	rel, ok := below(folder, file)
	if !ok {
		return "", fmt.Errorf("the application %s is not in the folder %s, and would be missing in the bundle: name a folder above all of them with --chdir", file, folder)
	}
	return strings.TrimSuffix(filepath.ToSlash(rel)+":"+callable, ":"), nil
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9_.]+`)

// siteName is what the bundle's folder is called: the application, as it is called.
func siteName(o Options) string {
	name, _, _ := strings.Cut(o.Settings.Title(), ":")
	return cmp.Or(strings.Trim(unfit.ReplaceAllString(name, "_"), "._"), "site")
}

// save writes the bundle beside and renames it.
func (c *collection) save(ctx context.Context, output string, answer probed, python string, m *bundle.Manifest) error {
	head, err := head(heads)
	if err != nil {
		return err
	}
	program, err := program()
	if err != nil {
		return err
	}
	m.Head, m.Program = part(head), part(program)
	file, err := os.CreateTemp(filepath.Dir(output), "."+filepath.Base(output)+"-")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", output, err)
	}
	defer os.Remove(file.Name()) // fails if it was renamed
	defer file.Close()
	counting := &counter{to: file, sum: sha256.New()}
	if _, err := file.Write(head); err != nil {
		return err
	}
	if m.Files, err = c.write(ctx, counting, head, program, answer, python, m.Loader); err != nil {
		return err
	}
	m.Notes, m.Archive = c.notes, bundle.Part{Size: counting.size, SHA256: hex.EncodeToString(counting.sum.Sum(nil))}
	manifest, err := m.Encode()
	if err != nil {
		return err
	}
	trailer := bundle.Trailer{
		Head: m.Head.Size, Archive: counting.size, Manifest: int64(len(manifest)), Sum: sha256.Sum256(manifest),
	}
	_, err = file.Write(append(manifest, trailer.Bytes()...))
	if err == nil {
		err = errors.Join(file.Chmod(0o755), file.Sync(), file.Close())
	}
	if err == nil {
		err = os.Rename(file.Name(), output)
	}
	return err
}

// counter counts and hashes what is written.
type counter struct {
	to   io.Writer
	sum  hash.Hash
	size int64
}

func (c *counter) Write(data []byte) (int, error) {
	n, err := c.to.Write(data)
	c.sum.Write(data[:n])
	c.size += int64(n)
	return n, err
}
