package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
)

func pages(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	var stderr bytes.Buffer
	if status := run([]string{folder}, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	return folder
}

func TestManualHasAllOptionsAndNoFault(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("groff is not installed")
	}
	cmd := exec.Command(groff, "-man", "-Tutf8", "-ww", "-P-cbou", filepath.Join(pages(t), "gowsgi.1"))
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v: %s", err, &stderr)
	}
	text := strings.NewReplacer("‐", "-", "−", "-").Replace(out.String())
	for _, o := range config.Options() {
		if !strings.Contains(text, "--"+o.Name) {
			t.Errorf("--%s is missing", o.Name)
		}
	}
}

// completed is what bash offers in place of the last word.
func completed(t *testing.T, words ...string) []string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	var line strings.Builder
	for _, word := range words {
		fmt.Fprintf(&line, " '%s'", word)
	}
	script := fmt.Sprintf("shopt -s extglob; source %s/gowsgi.bash; COMP_WORDS=(%s); COMP_CWORD=%d; _gowsgi; printf '%%s\\n' \"${COMPREPLY[@]}\"",
		pages(t), line.String(), len(words)-1)
	cmd := exec.Command(bash, "--norc", "-c", script)
	cmd.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cmd.Dir, "site"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Fields(string(out))
}

func TestBashCompletes(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  []string
	}{
		{[]string{"gowsgi", "--log-l"}, []string{"--log-level"}},
		{[]string{"gowsgi", "--log-level", ""}, config.LogLevels()},
		{[]string{"gowsgi", "stat"}, []string{"status"}},
		{[]string{"gowsgi", "bu"}, []string{"build"}},
		{[]string{"gowsgi", "status", "--w"}, []string{"--watch"}},
		{[]string{"gowsgi", "inspect", "--"}, []string{"--files", "--sbom"}},
		{[]string{"gowsgi", "build", "--with-l"}, []string{"--with-libc"}},
		{[]string{"gowsgi", "build", "--log-l"}, []string{"--log-level"}},
		{[]string{"gowsgi", "inspect", "si"}, []string{"site"}},
		{[]string{"gowsgi", "--threads", ""}, nil},
	} {
		if got := completed(t, c.words...); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.words, got, c.want)
		}
	}
}

func TestOtherShellsReadTheirFiles(t *testing.T) {
	folder := pages(t)
	for shell, file := range map[string]string{"zsh": "_gowsgi", "fish": "gowsgi.fish", "bash": "gowsgi.bash"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not installed", shell)
			continue
		}
		args := []string{"-n", filepath.Join(folder, file)}
		if shell == "bash" {
			args = append([]string{"-O", "extglob"}, args...)
		}
		if out, err := exec.Command(path, args...).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
	}
}

func TestFishCompletesWhatACommandTakes(t *testing.T) {
	fish, err := exec.LookPath("fish")
	if err != nil {
		t.Skip("fish is not installed")
	}
	for line, want := range map[string]string{
		"gowsgi --log-le": "--log-level", "gowsgi build --with-l": "--with-libc", "gowsgi build --log-le": "--log-level",
		"gowsgi inspect --": "--files --sbom", "gowsgi status --w": "--watch",
	} {
		cmd := exec.Command(fish, "-N", "-c", "source $argv[1]; complete -C $argv[2] | string replace -r '\\t.*' ''; true", filepath.Join(pages(t), "gowsgi.fish"), line)
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if got := strings.Join(strings.Fields(string(out)), " "); err != nil || got != want {
			t.Errorf("%s: %q, want %q; %v", line, got, want, err)
		}
	}
}
