package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// packaging is the folder with the package's parts.
func packaging(name string) string { return filepath.Join(checkout(), "internal", "dist", "deb", name) }

func TestTemplateUnitIsGoodAndHardened(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd is not installed")
	}
	text, err := os.ReadFile(packaging("gowsgi@.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "gowsgi@.service")
	// Whether a program is there is looked at, too.
	write(t, unit, strings.ReplaceAll(string(text), "/usr/bin/gowsgi", "/bin/true"))
	if out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || strings.Contains(string(out), "gowsgi@") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err := exec.Command(analyze, "security", "--offline=yes", "--threshold=29", unit).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Log(regexp.MustCompile(`Overall exposure level.*`).FindString(string(out)))
}

// debianTree is a Debian of the machine's own release, with its Python and nothing
// else, made once.
func debianTree(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make a root folder")
	}
	for _, name := range []string{"debootstrap", "dpkg-deb"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not installed")
		}
	}
	tree := filepath.Join(checkout(), "build", "_debian")
	if _, err := os.Stat(filepath.Join(tree, "done")); err == nil {
		return tree
	}
	must(t, "rm", "-rf", tree)
	release := strings.TrimSpace(must(t, "sh", "-c", `. /etc/os-release; echo "$VERSION_CODENAME"`))
	mirror := strings.TrimSpace(must(t, "sh", "-c", `apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -1`))
	must(t, "debootstrap", "--variant=minbase", "--include=python3,python3-venv", release, tree, mirror)
	write(t, filepath.Join(tree, "done"), "")
	return tree
}

func TestDebianPackageIsInstalledStartedAndRemoved(t *testing.T) {
	tree := debianTree(t)
	in := func(args ...string) string {
		t.Helper()
		return must(t, "chroot", append([]string{tree}, args...)...)
	}
	name := strings.TrimSpace(in("python3", "-c", `import sys; print("%d.%d" % sys.version_info[:2])`))
	if own := findPython(t, defaultPython()).Name; own != name {
		t.Skipf("the release has CPython %s, and the program a worker for %s", name, own)
	}
	for _, proc := range []string{"proc", "dev"} {
		at := filepath.Join(tree, proc)
		must(t, "mount", "--bind", "/"+proc, at)
		t.Cleanup(func() { must(t, "umount", "-l", at) })
	}
	// Without what a boot empties, or dpkg keeps for itself.
	list := []string{"find", "/", "-xdev", "-not", "-path", "/var/lib/dpkg/*", "-not", "-path", "/var/log/*", "-not", "-path", "/run/*"}
	before := in(list...)
	made := strings.TrimSpace(must(t, "python3", filepath.Join(checkout(), "internal", "dist", "deb.py"), program()))
	deb := filepath.Join(checkout(), regexp.MustCompile(`dist/\S+\.deb`).FindString(made[strings.LastIndexByte(made, '\n')+1:]))
	first, err := os.ReadFile(deb)
	if err != nil {
		t.Fatal(err)
	}
	must(t, "python3", filepath.Join(checkout(), "internal", "dist", "deb.py"), program())
	if second, err := os.ReadFile(deb); err != nil || string(second) != string(first) {
		t.Errorf("made twice, the package is another: %v", err)
	}
	if err := os.WriteFile(filepath.Join(tree, "gowsgi.deb"), first, 0o644); err != nil {
		t.Fatal(err)
	}
	defer in("rm", "-rf", "/gowsgi.deb", "/srv/hello", "/etc/gowsgi", "/root/.cache")
	in("dpkg", "-i", "/gowsgi.deb")
	for _, path := range []string{
		"/usr/share/man/man1/gowsgi.1.gz", "/usr/share/bash-completion/completions/gowsgi", "/usr/lib/systemd/system/gowsgi@.service",
		"/etc/logrotate.d/gowsgi", "/usr/share/doc/gowsgi/copyright", "/usr/share/doc/gowsgi/examples/site.toml",
	} {
		if _, err := os.Stat(filepath.Join(tree, path)); err != nil {
			t.Error(err)
		}
	}

	must(t, "mkdir", "-p", filepath.Join(tree, "srv/hello"))
	write(t, filepath.Join(tree, "srv/hello/hello.py"), `def application(environ, start_response):
    start_response("200 OK", [])
    return [b"hello from the package"]
`)
	in("python3", "-m", "venv", "--without-pip", "/srv/hello/.venv")
	addr := freeAddr(t)
	write(t, filepath.Join(tree, "etc/gowsgi/hello.toml"),
		fmt.Sprintf("target = \"hello:application\"\nchdir = \"/srv/hello\"\nvenv = \"/srv/hello/.venv\"\nbind = [%q]\n", addr))
	unit, err := os.ReadFile(packaging("gowsgi@.service"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(string(unit))
	command := strings.Fields(strings.ReplaceAll(line[1], "%i", "hello"))
	s := Start(t, Options{Program: command[0], Args: command[1:], Addr: addr, Wrap: func(cmd *exec.Cmd) {
		cmd.Dir, cmd.Env, cmd.SysProcAttr.Chroot = "/", []string{"PATH=/usr/bin:/bin"}, tree
	}})
	s.Client(t).Get("/").Want(t, 200, "hello from the package")
	s.Stop(t)

	in("dpkg", "-r", "gowsgi")
	if _, err := os.Stat(filepath.Join(tree, "usr/bin/gowsgi")); err == nil {
		t.Error("the program is still there")
	}
	if _, err := os.Stat(filepath.Join(tree, "etc/logrotate.d/gowsgi")); err != nil {
		t.Errorf("what may have been changed is gone: %v", err)
	}
	in("dpkg", "-P", "gowsgi")
	in("rm", "-rf", "/gowsgi.deb", "/srv/hello", "/etc/gowsgi", "/root/.cache")
	after := in(list...)
	was := map[string]bool{}
	for path := range strings.Lines(before) {
		was[path] = true
	}
	for path := range strings.Lines(after) {
		if !was[path] && !strings.Contains(path, "__pycache__") {
			t.Errorf("%s is left", strings.TrimSpace(path))
		}
	}
}
