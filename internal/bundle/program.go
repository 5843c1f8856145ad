package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/memory"
)

// ProgramPath is gowsgi, in a folder of its own.
const ProgramPath = "gowsgi"

// programName is what that folder's name begins with. No site has such a name: see
// build's siteName.
const programName = "gowsgi-program"

// variable says to the program which bundle it is from: the process that it is for,
// since others would inherit it; descriptors, the bundle's first and then those with
// locks; and the bundle's path.
const variable = "GOWSGI_BUNDLE_FD"

// program is gowsgi as a file.
func (m *Manifest) program() File {
	return File{Path: ProgramPath, Part: m.Program, Executable: true}
}

// programSite is gowsgi alone: what it lies in is a folder as a site's is, and those of
// one gowsgi share it.
func (s *Site) programSite() *Site {
	m := &Manifest{Name: programName, Archive: s.Archive, Files: []File{s.program()}}
	return &Site{Manifest: m, Hash: s.Program.SHA256, At: s.At, file: s.file, head: s.head, part: true}
}

// Become turns this process into the gowsgi inside, called as this one was: it returns
// only if it cannot. It runs from the first place where it is or can be, which is
// wanted, if anything is; else from memory: much that it can be asked needs no place,
// and it has the words for what is wrong with them.
func (s *Site) Become(ctx context.Context, wanted string, environ []string) error {
	folder, err := s.programSite().Unpack(ctx, wanted)
	if err == nil {
		err = s.execute(folder.Join(ProgramPath), environ, folder.locks()...)
	}
	if errors.Is(err, errDamaged) {
		return err
	}
	file, memoryErr := s.inMemory()
	if memoryErr == nil {
		memoryErr = s.execute(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), environ)
	}
	if errors.Is(memoryErr, errDamaged) {
		return memoryErr
	}
	return fmt.Errorf("%w; nor can gowsgi run from memory: %w", err, memoryErr)
}

// execute hands the bundle, and locks, over to the program at path.
func (s *Site) execute(path string, environ []string, locks ...*os.File) error {
	var numbers []string
	for _, file := range append([]*os.File{s.file}, locks...) {
		if err := keep(file); err != nil {
			return err
		}
		numbers = append(numbers, strconv.Itoa(int(file.Fd())))
	}
	value := strings.Join([]string{strconv.Itoa(os.Getpid()), strings.Join(numbers, ","), s.At}, " ")
	err := syscall.Exec(path, os.Args, append([]string{variable + "=" + value}, environ...)) // the first one of a name holds
	return fmt.Errorf("%s cannot be started: %w", path, err)
}

// inMemory is the program in a file without a name.
func (s *Site) inMemory() (*os.File, error) {
	return memory.Executable(ProgramPath, func(to io.Writer) error {
		return s.programSite().extract(func(_ File, content []byte) error {
			_, err := to.Write(content)
			return err
		})
	})
}

// Inherit is the bundle whose head, which has checked itself, has become this program;
// nil if it is gowsgi alone. It is to be called before this process starts another one,
// or looks at its environment.
func Inherit() (*Site, error) {
	value := os.Getenv(variable)
	_ = os.Unsetenv(variable)
	words := strings.SplitN(value, " ", 3)
	if len(words) != 3 || words[0] != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	var files []*os.File
	for word := range strings.SplitSeq(words[1], ",") {
		number, err := strconv.Atoi(word)
		if err != nil || number <= unix.Stderr {
			return nil, nil //nolint:nilerr // whoever set the variable meant something else
		}
		syscall.CloseOnExec(number)
		files = append(files, os.NewFile(uintptr(number), words[2]))
	}
	site, err := read(files[0], true)
	if site != nil {
		site.held = files[1:]
	}
	return site, err
}
