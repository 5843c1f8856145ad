package build

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/gowsgi/gowsgi/internal/bundle"
)

//go:embed probe.py
var probeScript string

//go:embed compile.py
var compileScript string

// probed is what an interpreter says of itself and its packages.
type probed struct {
	Executable    string                       `json:"executable"` // the interpreter itself, links followed
	CacheTag      string                       `json:"cache_tag"`
	BasePrefix    string                       `json:"base_prefix"`
	Prefix        string                       `json:"prefix"`
	ScriptsFolder string                       `json:"scripts_folder"`
	Stdlib        string                       `json:"stdlib"`
	Platstdlib    string                       `json:"platstdlib"`
	Dynload       string                       `json:"dynload"`
	Purelib       string                       `json:"purelib"`
	Platlib       string                       `json:"platlib"`
	Platlibdir    string                       `json:"platlibdir"`
	Path          []string                     `json:"path"` // where packages are
	Packages      []bundle.Package             `json:"packages"`
	Scripts       []string                     `json:"scripts"`
	Editable      map[string]map[string]string `json:"editable"`
}

// environment keeps what the user has set for Python out, and the order of sets
// the same.
func environment() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "PYTHON") {
			env = append(env, entry)
		}
	}
	return append(env, "PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1", "PYTHONNOUSERSITE=1")
}

func probe(ctx context.Context, executable string) (probed, error) {
	var answer probed
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, executable, "-s", "-c", probeScript)
	cmd.Env, cmd.Stderr, cmd.Dir = environment(), &stderr, "/" // "" on sys.path is nobody's code
	out, err := cmd.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return answer, fmt.Errorf("%s cannot tell what its packages are: %w: %s", executable, err, lines[len(lines)-1])
	}
	_, text, found := bytes.Cut(out, []byte("gowsgi:"))
	if !found {
		return answer, fmt.Errorf("%s cannot tell what its packages are: it printed %.100q", executable, out)
	}
	return answer, json.Unmarshal(text, &answer)
}

// compiler makes bytecode.
type compiler struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.Reader
}

func newCompiler(ctx context.Context, executable string) (*compiler, error) {
	cmd := exec.CommandContext(ctx, executable, "-s", "-c", compileScript)
	cmd.Env, cmd.Stderr, cmd.Dir = environment(), os.Stderr, "/"
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s cannot compile: %w", executable, err)
	}
	return &compiler{cmd, in, out}, nil
}

// compile is the bytecode of a source file; nil if it is none for this Python.
func (c *compiler) compile(path, name string) ([]byte, error) {
	request, err := json.Marshal([]string{path, name})
	if err != nil {
		return nil, err
	}
	if _, err := c.in.Write(append(request, '\n')); err != nil {
		return nil, fmt.Errorf("%s cannot be compiled: %w", path, err)
	}
	var size [8]byte
	if _, err := io.ReadFull(c.out, size[:]); err != nil {
		return nil, fmt.Errorf("%s cannot be compiled: the interpreter ended", path)
	}
	data := make([]byte, binary.LittleEndian.Uint64(size[:]))
	if _, err := io.ReadFull(c.out, data); err != nil {
		return nil, fmt.Errorf("%s cannot be compiled: the interpreter ended", path)
	}
	if len(data) == 0 {
		return nil, nil
	}
	return data, nil
}

func (c *compiler) close() {
	_ = c.in.Close()
	_ = c.cmd.Wait() // each answer was looked at
}
