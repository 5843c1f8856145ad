package build

import (
	"bufio"
	"debug/elf"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/gowsgi/gowsgi/internal/bundle"
)

// libraries is the folder of shared libraries in a bundle.
const libraries = bundle.LibrariesPath

// libc are the libraries that come with the C library, glibc's or musl's.
var libc = regexp.MustCompile(`^(ld-linux.*|ld-musl.*|ld64.*|libc|libm|libmvec|libpthread|libdl|librt|libutil|libresolv|libnsl|libanl|libthread_db|libBrokenLocale|libnss_(dns|files|compat|hesiod)|libc\.musl-.*)\.so(\.\d+)*$`)

// loaded at run time by the C library itself, by name.
var unnamed = []string{"libgcc_s.so.1", "libnss_dns.so.2", "libnss_files.so.2"}

// needs follows the libraries that files of the bundle name.
type needs struct {
	*collection
	withLibc bool
	known    map[string]bool // names that are in the bundle, or are not to be
	folders  []string        // where the loader looks for all programs
	loader   string          // of the interpreter
	glibc    [2]int          // the newest version of a symbol
}

// addLibraries adds the shared libraries that the bundle's files need, and theirs.
// It returns the path of the C library's loader in the bundle, if that is to be
// there, and the oldest glibc that all of it runs with.
func (c *collection) addLibraries(worker string, interpreter string, withLibc bool) (loader, glibc string, err error) {
	n := &needs{collection: c, withLibc: withLibc, known: map[string]bool{}, folders: loaderFolders()}
	first := []string{worker}
	var searches [][]string
	for _, s := range c.sources {
		if s.from != "" && mayBeELF(s.from, s.executable) {
			first = append(first, s.from)
		}
	}
	slices.Sort(first)
	inherited, err := n.inherited(interpreter)
	if err != nil {
		return "", "", err
	}
	for range first {
		searches = append(searches, inherited)
	}
	for i := 0; i < len(first); i++ {
		found, err := n.follow(first[i], searches[i])
		if err != nil {
			return "", "", err
		}
		for _, file := range found {
			first, searches = append(first, file), append(searches, searches[i])
		}
	}
	if withLibc {
		if loader, err = n.addLoader(); err != nil {
			return "", "", err
		}
	}
	if n.glibc[1] > 0 {
		glibc = fmt.Sprintf("%d.%d", n.glibc[0], n.glibc[1])
	}
	return loader, glibc, nil
}

func mayBeELF(file string, executable bool) bool {
	return (executable || strings.Contains(filepath.Base(file), ".so")) && begins(file, []byte(elf.ELFMAG))
}

// inherited are the search paths of the interpreter, and the folder of libpython.
func (n *needs) inherited(interpreter string) ([]string, error) {
	file, err := elf.Open(interpreter)
	if err != nil {
		return nil, fmt.Errorf("%s is no program that can be bundled: %w", interpreter, err)
	}
	defer file.Close()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			text := make([]byte, segment.Filesz)
			if _, err := segment.ReadAt(text, 0); err != nil {
				return nil, err
			}
			n.loader = strings.TrimRight(string(text), "\x00")
		}
	}
	folders := searchPath(file, interpreter)
	for _, s := range n.sources {
		if path.Dir(s.path) == libraries && s.from != "" {
			folders = append(folders, filepath.Dir(s.from))
		}
	}
	return folders, nil
}

// searchPath is where a file itself has its libraries looked for.
func searchPath(file *elf.File, at string) []string {
	real, err := filepath.EvalSymlinks(at)
	if err != nil {
		real = at
	}
	var folders []string
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		texts, _ := file.DynString(tag)
		for _, text := range texts {
			for _, folder := range strings.Split(text, ":") {
				for _, name := range []string{"$ORIGIN", "${ORIGIN}"} {
					folder = strings.ReplaceAll(folder, name, filepath.Dir(real))
				}
				if filepath.IsAbs(folder) {
					folders = append(folders, folder)
				}
			}
		}
	}
	return folders
}

// follow adds what a file names, and returns what was added.
func (n *needs) follow(at string, inherited []string) ([]string, error) {
	file, err := elf.Open(at)
	if err != nil {
		return nil, nil //nolint:nilerr // a damaged file is the site's own affair
	}
	defer file.Close()
	if machine(file) != runtime.GOARCH {
		return nil, nil
	}
	n.noteVersions(file)
	names, err := file.ImportedLibraries()
	if err != nil {
		return nil, nil //nolint:nilerr // it names none
	}
	own := searchPath(file, at)
	var added []string
	for _, name := range names {
		if n.known[name] || libc.MatchString(name) && !n.withLibc {
			continue
		}
		found := find(name, own, inherited, n.folders)
		if found == "" {
			n.note("%s needs %s, which this machine does not have: what uses it will not work", filepath.Base(at), name)
			continue
		}
		if slices.ContainsFunc(own, func(folder string) bool { return within(folder, found) }) && n.holds(found) {
			continue // it lies beside its user, and will do so
		}
		n.known[name] = true
		n.add(source{path: path.Join(libraries, name), from: found})
		added = append(added, found)
	}
	return added, nil
}

func within(folder, file string) bool {
	_, ok := below(folder, file)
	return ok
}

// holds tells whether a file is in the bundle as itself.
func (n *needs) holds(file string) bool {
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return false
	}
	for _, s := range n.sources {
		if s.from == file || s.from == real {
			return path.Dir(s.path) != libraries
		}
	}
	return false
}

// find is a library of that name for this machine.
func find(name string, places ...[]string) string {
	for _, folders := range places {
		for _, folder := range folders {
			at := filepath.Join(folder, name)
			if file, err := elf.Open(at); err == nil {
				fits := machine(file) == runtime.GOARCH
				file.Close()
				if fits {
					return at
				}
			}
		}
	}
	return ""
}

func machine(file *elf.File) string {
	switch {
	case file.Class != elf.ELFCLASS64:
		return ""
	case file.Machine == elf.EM_X86_64:
		return "amd64"
	case file.Machine == elf.EM_AARCH64:
		return "arm64"
	}
	return file.Machine.String()
}

// noteVersions notes which glibc a file asks for.
func (n *needs) noteVersions(file *elf.File) {
	symbols, err := file.ImportedSymbols()
	if err != nil {
		return
	}
	for _, symbol := range symbols {
		text, ok := strings.CutPrefix(symbol.Version, "GLIBC_")
		if !ok {
			continue
		}
		parts := strings.Split(text, ".")
		if len(parts) < 2 {
			continue
		}
		major, err := strconv.Atoi(parts[0])
		minor, minorErr := strconv.Atoi(parts[1])
		if err == nil && minorErr == nil && (major > n.glibc[0] || major == n.glibc[0] && minor > n.glibc[1]) {
			n.glibc = [2]int{major, minor}
		}
	}
}

// addLoader adds the C library's loader, and what it loads by name.
func (n *needs) addLoader() (string, error) {
	if n.loader == "" {
		return "", fmt.Errorf("the interpreter names no loader, so there is no C library to take along: leave out --with-libc")
	}
	for _, name := range unnamed {
		if n.known[name] {
			continue
		}
		if found := find(name, n.folders); found != "" {
			n.known[name] = true
			n.add(source{path: path.Join(libraries, name), from: found})
			if _, err := n.follow(found, nil); err != nil {
				return "", err
			}
		}
	}
	to := path.Join(libraries, filepath.Base(n.loader))
	n.sources[to] = source{path: to, from: n.loader, executable: true}
	return to, nil
}

// loaderFolders are where the system's loader looks: what it is told in the
// environment, what ld.so.conf says, and what is built into it.
func loaderFolders() []string {
	folders := strings.FieldsFunc(os.Getenv("LD_LIBRARY_PATH"), func(r rune) bool { return r == ':' || r == ';' })
	folders = append(folders, readLoaderConfig("/etc/ld.so.conf", 0)...)
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	return append(folders,
		"/lib/"+triplet, "/usr/lib/"+triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib")
}

func readLoaderConfig(path string, depth int) []string {
	file, err := os.Open(path)
	if err != nil || depth > 4 {
		return nil
	}
	defer file.Close()
	var folders []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		line = strings.TrimSpace(line)
		if pattern, ok := strings.CutPrefix(line, "include "); ok {
			pattern = strings.TrimSpace(pattern)
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(filepath.Dir(path), pattern)
			}
			names, _ := filepath.Glob(pattern) // the system's own, or none
			for _, name := range names {
				folders = append(folders, readLoaderConfig(name, depth+1)...)
			}
		} else if filepath.IsAbs(line) {
			folders = append(folders, line)
		}
	}
	return folders
}
