package elfedit

import (
	"bytes"
	"debug/elf"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compiled is a program, or a library, made by the C compiler.
func compiled(t *testing.T, folder, name, source string, options ...string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	cmd := exec.Command("cc", append([]string{"-g", "-x", "c", "-", "-o", path}, options...)...)
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func load(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func save(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

// A program, the library that it needs, and one that it loads, which needs yet
// another: all found by what the program says, wherever they are moved.
func TestMovedProgramFindsItsLibrariesAndTheirs(t *testing.T) {
	for _, kind := range []string{"-pie", "-no-pie"} {
		t.Run(kind, func(t *testing.T) {
			folder := t.TempDir()
			inner := compiled(t, folder, "libinner.so", "int inner(void) { return 42; }", "-shared", "-fPIC")
			needed := compiled(t, folder, "libneeded.so", "int needed(void) { return 0; }", "-shared", "-fPIC")
			loaded := compiled(t, folder, "loaded.so", "int inner(void); int loaded(void) { return inner(); }", "-shared", "-fPIC",
				"-L"+folder, "-linner", "-Wl,-rpath,"+folder, "-Wl,--enable-new-dtags")
			program := compiled(t, folder, "program", `
#include <dlfcn.h>
#include <stdio.h>
int needed(void);
int main(int argc, char **argv) {
    void *so = dlopen(argv[1], RTLD_NOW);
    if (!so) { puts(dlerror()); return 1; }
    int (*f)(void) = (int (*)(void))dlsym(so, "loaded");
    printf("%d\n", f() + needed());
    return 0;
}`, kind, "-L"+folder, "-lneeded", "-Wl,-rpath,"+folder, "-ldl")
			for name, change := range map[string]func([]byte) ([]byte, error){
				"bin/program": func(data []byte) ([]byte, error) { return SetPath(data, "$ORIGIN/../lib") },
				"other.so":    ForgetPaths,
			} {
				from := map[string]string{"bin/program": program, "other.so": loaded}[name]
				data, err := StripDebug(load(t, from))
				if err == nil {
					data, err = change(data)
				}
				if err != nil {
					t.Fatal(name, err)
				}
				save(t, filepath.Join(folder, "moved", name), data)
			}
			for _, lib := range []string{inner, needed} {
				save(t, filepath.Join(folder, "moved", "lib", filepath.Base(lib)), load(t, lib))
				if err := os.Remove(lib); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command(filepath.Join(folder, "moved", "bin", "program"), filepath.Join(folder, "moved", "other.so")).CombinedOutput()
			if err != nil || string(out) != "42\n" {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

func TestStrippedFileHasItsSymbolsAndNoDebugInformation(t *testing.T) {
	path := compiled(t, t.TempDir(), "program", "int answer(void) { return 42; } int main(void) { return answer() - 42; }")
	data := load(t, path)
	stripped, err := StripDebug(data)
	if err != nil || len(stripped) >= len(data) {
		t.Fatalf("%d bytes of %d: %v", len(stripped), len(data), err)
	}
	f, err := elf.NewFile(bytes.NewReader(stripped))
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range f.Sections {
		if strings.HasPrefix(section.Name, ".debug_") && section.Size > 0 {
			t.Errorf("%s is left", section.Name)
		}
	}
	symbols, err := f.Symbols()
	if err != nil || !strings.Contains(names(symbols), " answer ") {
		t.Errorf("%v: %s", err, names(symbols))
	}
	if again, err := StripDebug(stripped); err != nil || !bytes.Equal(again, stripped) {
		t.Errorf("stripped twice it is another: %v", err)
	}
	save(t, path, stripped)
	if out, err := exec.Command(path).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func names(symbols []elf.Symbol) string {
	text := " "
	for _, s := range symbols {
		text += s.Name + " "
	}
	return text
}

// A Go program with something embedded, as gowsgi has its workers.
func TestProgramRunsWithoutWhatWasCutOut(t *testing.T) {
	folder := t.TempDir()
	var noise [][]byte
	random, size := rand.NewChaCha8([32]byte{}), 0
	for i := range 6 {
		noise = append(noise, make([]byte, 1<<20+i*1000))
		random.Read(noise[i])
		save(t, filepath.Join(folder, fmt.Sprintf("noise%d", i)), noise[i])
		size += len(noise[i])
	}
	save(t, filepath.Join(folder, "go.mod"), []byte("module cut\n"))
	save(t, filepath.Join(folder, "main.go"), []byte(`package main

import (
	"embed"
	"io/fs"
)

//go:embed noise*
var noise embed.FS

func main() {
	names, _ := fs.Glob(noise, "*")
	println("runs", len(names))
}
`))
	cmd := exec.Command("go", "build", "-o", "program", ".")
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data := load(t, filepath.Join(folder, "program"))
	whole, err := Loaded(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	cut, err := Loaded(data, append(noise, []byte("this is not in it")))
	if err != nil {
		t.Fatal(err)
	}
	if saved := len(whole) - len(cut); saved < size-6*2*65536 || saved > size {
		t.Errorf("%d bytes less, of %d", saved, size)
	}
	for _, program := range [][]byte{cut, whole} {
		save(t, filepath.Join(folder, "program"), program)
		if out, err := exec.Command(filepath.Join(folder, "program")).CombinedOutput(); err != nil || string(out) != "runs 6\n" {
			t.Errorf("%v: %s", err, out)
		}
	}
}

func TestWhatIsNoELFFileIsRefused(t *testing.T) {
	program := load(t, compiled(t, t.TempDir(), "program", "int main(void) { return 0; }"))
	for _, n := range []int{0, 4, 63, 64, 100, 500, len(program) / 2} {
		for _, data := range [][]byte{program[:n], bytes.Repeat([]byte{0xff}, n), append(bytes.Clone(program[:64]), bytes.Repeat([]byte{0xff}, n)...)} {
			for _, change := range []func([]byte) ([]byte, error){
				StripDebug, ForgetPaths,
				func(data []byte) ([]byte, error) { return SetPath(data, "x") },
				func(data []byte) ([]byte, error) { return Loaded(data, nil) },
			} {
				if out, err := change(bytes.Clone(data)); err == nil && Is(data) && !bytes.Equal(out, data) {
					t.Errorf("%d bytes are changed", n)
				}
			}
		}
	}
}
