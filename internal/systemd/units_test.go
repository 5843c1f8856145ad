package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const documentation = "../../docs/operating.md"

// aUnit is a unit in the documentation, which says on its first line where it goes.
var aUnit = regexp.MustCompile("(?s)```ini\n# /etc/systemd/system/(site\\.[a-z]+)\n(.*?)```")

func TestUnitsInTheDocumentationAreGood(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd is not installed")
	}
	text, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	folder, args := t.TempDir(), []string{"verify", "--man=no"}
	for _, found := range aUnit.FindAllStringSubmatch(string(text), -1) {
		name := found[1]
		// Whether a program is there is looked at, too.
		unit := strings.ReplaceAll(found[2], "/usr/local/bin/gowsgi", "/bin/true")
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if len(args) != 4 {
		t.Fatalf("the documentation has not a service and a socket: %q", args)
	}
	cmd := exec.Command(analyze, args...)
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+folder+":")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "site.") {
		t.Errorf("%v\n%s", err, out)
	}
}
