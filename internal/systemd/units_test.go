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

const guide = "../../docs/deploy.md"

// aDropIn is what the deployment guide adds to the package's template.
var aDropIn = regexp.MustCompile("(?s)`systemctl edit gowsgi@shop`:\n\n```ini\n(.*?)```")

// aCredential is what it has systemd pass to the service.
var aCredential = regexp.MustCompile(`(?m)^LoadCredential=([^:]+):/.+$`)

func TestCertificatesThatSystemdPassesAreThoseOfTheSettings(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	dropIn := aDropIn.FindStringSubmatch(string(text))
	if dropIn == nil {
		t.Fatal("the guide passes no certificate to the service")
	}
	passed := aCredential.FindAllStringSubmatch(dropIn[1], -1)
	if len(passed) != 2 {
		t.Fatalf("not a certificate and a key: %q", passed)
	}
	for i, key := range []string{"certfile", "keyfile"} {
		line := key + ` = ["/run/credentials/gowsgi@shop.service/` + passed[i][1] + `"]`
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("the guide has no %s", line)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd is not installed")
	}
	template, err := os.ReadFile("../dist/deb/gowsgi@.service")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	more := filepath.Join(folder, "gowsgi@shop.service.d")
	if err := os.Mkdir(more, 0o700); err != nil {
		t.Fatal(err)
	}
	// Whether a program is there is looked at, too.
	unit := strings.ReplaceAll(string(template), "/usr/bin/gowsgi", "/bin/true")
	for path, text := range map[string]string{
		filepath.Join(folder, "gowsgi@.service"): unit,
		filepath.Join(more, "override.conf"):     dropIn[1],
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(analyze, "verify", "--man=no", filepath.Join(folder, "gowsgi@shop.service"))
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+folder+":")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "gowsgi@") || strings.Contains(string(out), "override") {
		t.Errorf("%v\n%s", err, out)
	}
}
