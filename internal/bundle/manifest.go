package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Manifest says what a bundle is and holds.
type Manifest struct {
	Format   int               `json:"format"`
	Gowsgi   string            `json:"gowsgi"`   // the version of the program
	Name     string            `json:"name"`     // of the site: its folder is called so
	Target   string            `json:"target"`   // what it serves
	Settings string            `json:"settings"` // TOML: what was set when it was built
	Path     []string          `json:"path"`     // the site's pythonpath, from the folder
	Python   Python            `json:"python"`
	Loader   string            `json:"loader,omitempty"` // of the C library inside, from the folder
	Glibc    string            `json:"glibc,omitempty"`  // the oldest that it runs with
	Head     Part              `json:"head"`             // what runs first
	Program  Part              `json:"program"`          // gowsgi: the archive begins with it
	Archive  Part              `json:"archive"`
	Scripts  map[string]string `json:"scripts"` // console scripts: by name, from the folder
	Packages []Package         `json:"packages"`
	Notes    []string          `json:"notes,omitempty"` // what was left out, and what will not work
	Files    []File            `json:"-"`               // in the order of the archive; see list
}

// Python is the interpreter inside.
type Python struct {
	Name       string `json:"name"`       // X.Y
	Version    string `json:"version"`    // X.Y.Z
	Executable string `json:"executable"` // of the virtualenv; all paths are from the folder
	Base       string `json:"base"`       // the folder that pyvenv.cfg calls home
	Prefix     string `json:"prefix"`
}

// Program is the interpreter itself.
func (p Python) Program() string { return path.Join(p.Base, "python"+p.Name) }

// library is libpython, which not every interpreter needs.
func (p Python) library() string { return path.Join(LibrariesPath, "libpython"+p.Name+".so.1.0") }

// IsCommand tells whether a word names what the interpreter inside can be told to run:
// itself, or a console script.
func (m *Manifest) IsCommand(word string) bool {
	_, script := m.Scripts[word]
	return script || word == "python" || word == "python3" || word == "python"+m.Python.Name
}

// HasModule tells whether the application's folder, or that of its packages, has a
// module or a package of this name.
func (m *Manifest) HasModule(name string) bool {
	named := func(file string) bool {
		rest, found := strings.CutPrefix(file, name)
		return found && rest != "" && strings.Contains("./", rest[:1])
	}
	return slices.ContainsFunc(m.Files, func(f File) bool {
		for _, folder := range append([]string{AppPath}, m.Path...) {
			if file, found := strings.CutPrefix(f.Path, folder+"/"); found && named(file) {
				return true
			}
		}
		_, file, found := strings.Cut(f.Path, "/site-packages/")
		return found && named(file)
	})
}

// Package is a Python distribution.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Licence string `json:"licence,omitempty"`
}

// Part is bytes that have a hash.
type Part struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// File is one of a bundle's.
type File struct {
	Path string
	Part
	Link       string // it is a symbolic link to this
	Executable bool
	// Loads: it is an executable whose ELF interpreter is the loader inside,
	// which has to be named by its absolute path: see SetLoader.
	Loads bool
}

// The places in a bundle's folder.
const (
	WorkerPath = "worker"
	AppPath    = "app"
	VenvPath   = "venv"
	PythonPath = "python"
	// LibrariesPath is the folder of shared libraries.
	LibrariesPath = "python/lib"
	configPath    = "venv/pyvenv.cfg"
	usedPath      = ".used"
)

const format = 3

// errDamaged begins what is said of a bundle that is not what was built.
var errDamaged = errors.New("this executable is damaged")

func damaged(how string) error {
	return fmt.Errorf("%w: %s: copy or download it again", errDamaged, how)
}

// Encode is the manifest as it stands in a bundle.
func (m *Manifest) Encode() ([]byte, error) {
	m.Format = format
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	text = m.appendList(text)
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return encoder.EncodeAll(text, nil), nil
}

// largestManifest keeps a broken one from taking all memory.
const largestManifest = 256 << 20

// decodeManifest reads what Encode has made: the files only if they are wanted, since
// what stands before them is read at once, and there are thousands.
func decodeManifest(data []byte, files bool) (*Manifest, error) {
	text, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderMaxMemory(largestManifest), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer text.Close()
	decoder := json.NewDecoder(text)
	var m Manifest
	if err := decoder.Decode(&m); err != nil {
		return nil, damaged("its manifest cannot be read")
	}
	if m.Format != format {
		return nil, fmt.Errorf("this bundle has format %d, and this gowsgi knows format %d: use the gowsgi %s that built it", m.Format, format, m.Gowsgi)
	}
	if files {
		list, err := io.ReadAll(io.MultiReader(decoder.Buffered(), text))
		if err == nil {
			m.Files, err = parseList(string(list))
		}
		if err != nil {
			return nil, damaged("its list of files cannot be read")
		}
	}
	return &m, m.check()
}

// A file stands in the list by these, with a NUL behind each: path, target of the link,
// kind, size, SHA-256. JSON would take ten times as long to read, at each start.
const listed = 5

func (m *Manifest) appendList(text []byte) []byte {
	for _, file := range m.Files {
		var kind string
		if file.Executable {
			kind += "x"
		}
		if file.Loads {
			kind += "l"
		}
		for _, word := range [listed]string{file.Path, file.Link, kind, strconv.FormatInt(file.Size, 10), file.SHA256} {
			text = append(append(text, word...), 0)
		}
	}
	return text
}

func parseList(text string) ([]File, error) {
	files := make([]File, 0, strings.Count(text, "\x00")/listed)
	for text != "" {
		var words [listed]string
		for i := range words {
			var found bool
			if words[i], text, found = strings.Cut(text, "\x00"); !found {
				return nil, io.ErrUnexpectedEOF
			}
		}
		size, err := strconv.ParseInt(words[3], 10, 64)
		if err != nil {
			return nil, err
		}
		files = append(files, File{
			Path: words[0], Link: words[1], Part: Part{Size: size, SHA256: words[4]},
			Executable: strings.Contains(words[2], "x"), Loads: strings.Contains(words[2], "l"),
		})
	}
	return files, nil
}

// check refuses paths that lead out of the folder.
func (m *Manifest) check() error {
	paths := []string{m.Python.Executable, m.Python.Base, m.Python.Prefix, m.Python.Program(), m.Python.library()}
	if m.Loader != "" {
		paths = append(paths, m.Loader)
	}
	paths = append(paths, m.Path...)
	for _, path := range m.Scripts {
		paths = append(paths, path)
	}
	for _, file := range m.Files {
		paths = append(paths, file.Path)
		if file.Link != "" {
			if filepath.IsAbs(file.Link) {
				return damaged("the link " + file.Path + " leads out of it")
			}
			paths = append(paths, filepath.Join(filepath.Dir(file.Path), file.Link))
		}
		if file.Size < 0 {
			return damaged(file.Path + " has no size")
		}
	}
	if m.Program.Size < 0 {
		return damaged(ProgramPath + " has no size")
	}
	for _, path := range append(paths, m.Name) {
		if !filepath.IsLocal(path) {
			return damaged(fmt.Sprintf("the path %q leads out of it", path))
		}
	}
	if strings.ContainsRune(m.Name, '/') {
		return damaged("its name is a path")
	}
	return nil
}

// Size is that of all files.
func (m *Manifest) Size() (size int64) {
	for _, file := range m.Files {
		size += file.Size
	}
	return size
}

// amount is room on a disk.
type amount struct{ bytes, files int64 }

// room is what all files take on a disk, which has its pages, and counts folders as files.
func (m *Manifest) room() amount {
	const page = 4096
	var size int64
	folders := map[string]bool{}
	for _, file := range m.Files {
		size += (file.Size + page - 1) / page * page
		for folder := path.Dir(file.Path); !folders[folder]; folder = path.Dir(folder) {
			folders[folder] = true
		}
	}
	return amount{size, int64(len(m.Files) + len(folders))}
}

// fileAt is the one of that path; nil if there is none.
func (m *Manifest) fileAt(path string) *File {
	for i := range m.Files {
		if m.Files[i].Path == path {
			return &m.Files[i]
		}
	}
	return nil
}

// Window is how far back an archive's compression looks, and what unpacking
// takes of memory.
const Window = 32 << 20

// dictionary is the number of the one and only.
const dictionary = 1

// Compress packs an archive behind a head, which it may refer to: the other programs
// have much in common with it. One block after the other, since more at a time make
// other blocks of the same bytes.
func Compress(to io.Writer, head []byte) (*zstd.Encoder, error) {
	return zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(Window), zstd.WithEncoderCRC(false), zstd.WithEncoderDictRaw(dictionary, head))
}

// decompress is what an archive behind head holds.
func decompress(archive io.Reader, head []byte) (*zstd.Decoder, error) {
	return zstd.NewReader(archive, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxWindow(Window),
		zstd.WithDecoderDictRaw(dictionary, head))
}

// Sum is a SHA-256 in hexadecimal.
func Sum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// markAt is where an ELF header has bytes that nobody reads.
const markAt = 10

var mark = []byte("gowsgi")

// Mark marks a program as the head of a bundle.
func Mark(program []byte) { copy(program[markAt:], mark) }

func isMarked(head []byte) bool {
	return len(head) >= markAt+len(mark) && bytes.Equal(head[markAt:markAt+len(mark)], mark)
}
