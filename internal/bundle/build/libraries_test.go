package build

import (
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// A Python may have its libpython where only a variable tells the loader to look.
func TestLibrariesThatTheLoaderIsToldOfGoIn(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	library := filepath.Join(elsewhere, "libtold.so")
	program := filepath.Join(folder, "program")
	for _, compile := range []struct {
		source string
		args   []string
	}{
		{"int told(void) { return 0; }", []string{"-shared", "-fPIC", "-o", library}},
		{"int told(void); int main(void) { return told(); }", []string{"-o", program, "-L" + elsewhere, "-ltold"}},
	} {
		cmd := exec.Command("cc", append([]string{"-x", "c", "-"}, compile.args...)...)
		cmd.Stdin = strings.NewReader(compile.source)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Setenv("LD_LIBRARY_PATH", "/nowhere:"+elsewhere)
	c := newCollection()
	c.add(source{path: "python/bin/python3.11", from: program, executable: true})
	if _, _, err := c.addLibraries(program, program, false); err != nil {
		t.Fatal(err)
	}
	if got := c.sources[path.Join(libraries, "libtold.so")].from; got != library || len(c.notes) != 0 {
		t.Errorf("it comes from %q, and notes are %q", got, c.notes)
	}
}
