package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	sites "github.com/gowsgi/gowsgi/internal/bundle"
)

// unpackedIn is a folder for --bundle-dir that can be removed again.
func unpackedIn(t testing.TB) string {
	t.Helper()
	folder := filepath.Join(shortFolder(t), "sites")
	t.Cleanup(func() { makeWritable(folder) })
	return folder
}

func makeWritable(folder string) {
	_ = filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return nil
	})
}

// programPrefix begins the name of a folder that gowsgi is in, and no site.
const programPrefix = "gowsgi-program-"

// sitesIn are the folders of bundles in a place, whole ones and others.
func sitesIn(t testing.TB, place string) (whole, others []string) {
	t.Helper()
	entries, err := os.ReadDir(place)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		switch name := entry.Name(); {
		case strings.HasPrefix(name, programPrefix):
		case !strings.HasPrefix(name, "."):
			whole = append(whole, name)
		case name != ".lock":
			others = append(others, name)
		}
	}
	return whole, others
}

func TestBundleOfHelloIsSmallAndServes(t *testing.T) {
	bundle := helloBundle(t)
	atMost(t, bundle, 25e6)
	for _, args := range [][]string{nil, {"--preload", "--workers", "2"}} {
		s := Start(t, Options{Program: bundle, Args: append([]string{"--bundle-dir", unpackedIn(t)}, args...), Dir: t.TempDir()})
		Parallel(t, 20, func(t testing.TB, i int) { s.Client(t).Get("/").WantPart(t, 200, "hello from "+s.bundleDir(t)) })
	}
}

// bundleDir is --bundle-dir of a server that has one.
func (s *Server) bundleDir(t testing.TB) string {
	t.Helper()
	at := slices.Index(s.cmd.Args, "--bundle-dir")
	if at < 0 {
		t.Fatal("it has no --bundle-dir")
	}
	return s.cmd.Args[at+1]
}

func TestBundleWithoutProcOrTmpOfItsOwnIsProcessOne(t *testing.T) {
	root := emptyRoot(t, helloBundle(t, "--with-libc"))
	// The root folder cannot be written to, by root neither.
	if err := syscall.Mount(root, root, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(root, syscall.MNT_DETACH) })
	if err := syscall.Mount("", root, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	for _, user := range []uint32{0, somebody} {
		wrap := func(cmd *exec.Cmd) {
			inRoot(root)(cmd)
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user, Gid: user}
			cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID
		}
		s := Start(t, Options{Program: "/site", Wrap: wrap})
		answer := s.Client(t).Get("/")
		answer.WantPart(t, 200, "hello from /tmp/gowsgi-")
		s.Stop(t)
	}
}

func TestTenCopiesOfABundleUnpackOnce(t *testing.T) {
	bundle, place := helloBundle(t), unpackedIn(t)
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	Parallel(t, 10, func(t testing.TB, i int) {
		result := Run(t, Options{Program: bundle, Env: []string{"GOWSGI_BUNDLE_DIR=" + place}}, "python", "-c", "import ssl, sqlite3; print('there')")
		if result.Status != 0 || result.Out != "there\n" {
			t.Errorf("status %d: %s%s", result.Status, result.Out, result.Errors)
		}
	})
	if whole, others := sitesIn(t, place); len(whole) != 1 || len(others) != 0 {
		t.Errorf("%q, %q", whole, others)
	}
}

// Killed at many moments, the last one after the end.
func TestBundleKilledWhileItUnpacksStartsAgain(t *testing.T) {
	bundle := helloBundle(t)
	for files := 1; files < 2000; files *= 3 {
		place := unpackedIn(t)
		cmd := command(Options{Program: bundle, Env: []string{"GOWSGI_BUNDLE_DIR=" + place}}, "python", "-c", "pass")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		gone := make(chan struct{})
		go func() { _ = cmd.Wait(); close(gone) }() // it was killed
		Eventually(t, "it has begun", func() bool {
			count := 0
			_ = filepath.WalkDir(place, func(_ string, entry os.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					count++
				}
				return nil
			})
			select {
			case <-gone:
				return true
			default:
				return count >= files
			}
		})
		_ = cmd.Process.Kill() // it may have ended
		<-gone
		result := Run(t, Options{Program: bundle, Env: []string{"GOWSGI_BUNDLE_DIR=" + place}}, "python", "-c", "import ssl, sqlite3; print('there')")
		if result.Status != 0 || result.Out != "there\n" {
			t.Errorf("killed after %d files: status %d: %s%s", files, result.Status, result.Out, result.Errors)
		}
		if whole, others := sitesIn(t, place); len(whole) != 1 || len(others) != 0 {
			t.Errorf("killed after %d files: %q, %q", files, whole, others)
		}
	}
}

func TestDamagedBundleRunsNothing(t *testing.T) {
	bundle := helloBundle(t)
	content, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	site, err := sites.Open(bundle)
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	head := site.Head.Size
	for name, damage := range map[string]func([]byte) []byte{
		"in the archive":  func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"in gowsgi":       func(b []byte) []byte { b[head+1_000_000] ^= 1; return b },
		"in the manifest": func(b []byte) []byte { b[len(b)-10_000] ^= 1; return b },
		"in what the head says": func(b []byte) []byte {
			at := bytes.Index(b, []byte("is no executable that gowsgi build"))
			b[at] ^= 1
			return b
		},
		"at the end": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut short":  func(b []byte) []byte { return b[:len(b)*2/3] },
		"too long":   func(b []byte) []byte { return append(b, 0) },
	} {
		path, place := filepath.Join(t.TempDir(), "site"), unpackedIn(t)
		if err := os.WriteFile(path, damage(bytes.Clone(content)), 0o755); err != nil {
			t.Fatal(err)
		}
		result := Run(t, Options{Program: path}, "--bundle-dir", place)
		if result.Status != 1 || !strings.HasPrefix(result.Errors, "gowsgi: this executable is damaged: ") &&
			!strings.Contains(result.Errors, "this executable is damaged: ") || !strings.Contains(result.Errors, "copy or download it again") {
			t.Errorf("%s: status %d: %s", name, result.Status, result.Errors)
		}
		if _, err := os.Stat(place); err == nil {
			if whole, others := sitesIn(t, place); len(whole)+len(others) > 0 {
				t.Errorf("%s: %q, %q are left", name, whole, others)
			}
		}
	}
}

func TestBundleOnAFullDiskSaysSo(t *testing.T) {
	bundle := helloBundle(t)
	if os.Getuid() != 0 {
		t.Skip("only root can mount")
	}
	for name, c := range map[string]struct{ limits, said string }{
		"of bytes": {"size=1m", " MB left, and it takes "},
		"of files": {"size=200m,nr_inodes=300", " files more (df -i), and it takes "},
	} {
		t.Run(name, func(t *testing.T) {
			tiny := shortFolder(t)
			mount(t, "tmpfs", tiny, "tmpfs", "mode=755,"+c.limits)
			place := filepath.Join(tiny, "sites")
			result := Run(t, Options{Program: bundle}, "--bundle-dir", place)
			if result.Status != 1 || !strings.Contains(result.Errors, "cannot be unpacked to --bundle-dir "+place) || !strings.Contains(result.Errors, c.said) {
				t.Errorf("status %d: %s", result.Status, result.Errors)
			}
			if _, err := os.Stat(place); err == nil {
				if whole, others := sitesIn(t, place); len(whole)+len(others) > 0 {
					t.Errorf("%q, %q are left", whole, others)
				}
			}
		})
	}
}

func TestBundleIsNotUnpackedWhereNothingMayBeExecuted(t *testing.T) {
	bundle := helloBundle(t)
	if os.Getuid() != 0 {
		t.Skip("only root can mount")
	}
	place := shortFolder(t)
	if err := syscall.Mount("tmpfs", place, "tmpfs", syscall.MS_NOEXEC, "mode=755"); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(place, syscall.MNT_DETACH) })
	result := Run(t, Options{Program: bundle}, "--bundle-dir", place)
	if result.Status != 1 || !strings.Contains(result.Errors, "it is mounted noexec") {
		t.Errorf("status %d: %s", result.Status, result.Errors)
	}
}

// Root unpacks, and whoever the workers are can read and run it.
func TestBundleOfRootsServesAsAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another")
	}
	folder := shortFolder(t)
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(folder, "sites")
	s := Start(t, Options{Program: helloBundle(t), Args: []string{"--bundle-dir", place, "--user", "nobody"}, Dir: "/"})
	s.Client(t).Get("/").WantPart(t, 200, "hello from "+place, " as 65534")
}

func TestBundlesFilesThatACleanerTookComeBack(t *testing.T) {
	for name, renew := range map[string]func(s *Server, worker int){
		"at a reload":        func(s *Server, _ int) { s.Signal(t, syscall.SIGHUP) },
		"for another worker": func(_ *Server, worker int) { _ = syscall.Kill(worker, syscall.SIGKILL) },
	} {
		t.Run(name, func(t *testing.T) { cleanUnder(t, renew) })
	}
}

func cleanUnder(t *testing.T, renew func(s *Server, worker int)) {
	place := unpackedIn(t)
	s := Start(t, Options{Program: helloBundle(t), Args: []string{"--bundle-dir", place}})
	whole, _ := sitesIn(t, place)
	if len(whole) != 1 {
		t.Fatalf("%q", whole)
	}
	makeWritable(place)
	if err := os.RemoveAll(filepath.Join(place, whole[0])); err != nil {
		t.Fatal(err)
	}
	s.Client(t).Get("/").WantPart(t, 200, "hello")
	workers := s.WorkerPIDs()
	renew(s, workers[0])
	Eventually(t, "there is another worker", func() bool {
		now := s.WorkerPIDs()
		return len(now) == 1 && now[0] != workers[0] && strings.Count(s.Log(), "event=application.loaded") == 2
	})
	s.Client(t).Get("/").WantPart(t, 200, "hello from "+filepath.Join(place, whole[0]))
}

// Another build in the file's place: both are unpacked while one succeeds the other.
func TestBundleIsUpgradedToAnother(t *testing.T) {
	first, second := helloBundle(t), helloBundle(t, "--threads", "2")
	folder, place := shortFolder(t), unpackedIn(t)
	path, pid := filepath.Join(folder, "site"), filepath.Join(folder, "pid")
	install := func(bundle string) {
		must(t, "cp", bundle, path+".new")
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	install(first)
	s := Start(t, Options{Program: path, Args: []string{"--bundle-dir", place, "--pid", pid}, Outlived: true})
	before := s.Client(t).Get("/").Body
	install(second)
	for _, order := range []string{"upgrade", "stop"} {
		if result := Run(t, Options{Program: path}, order, "--pid", pid); result.Status != 0 {
			t.Fatalf("%s: status %d: %s", order, result.Status, result.Errors)
		}
		if order == "upgrade" {
			if after := s.Client(t).Get("/").Body; after == before || !strings.HasPrefix(after, "hello from "+place) {
				t.Errorf("%q, then %q", before, after)
			}
			if whole, others := sitesIn(t, place); len(whole) != 2 || len(others) != 0 {
				t.Errorf("%q, %q", whole, others)
			}
		}
	}
	if status := s.Wait(t); status != 0 {
		t.Errorf("the first one ended with status %d", status)
	}
}

func TestSettingsOutsideABundleAreStronger(t *testing.T) {
	bundle := helloBundle(t, "--threads", "3", "--name", "inside", "-e", "COLOUR=red", "-e", "SIZE=1")
	printed := func(env []string, args ...string) string {
		result := Run(t, Options{Program: bundle, Env: env, Dir: t.TempDir()}, append([]string{"--print-config"}, args...)...)
		if result.Status != 0 {
			t.Fatalf("status %d: %s", result.Status, result.Errors)
		}
		return result.Out
	}
	for _, c := range []struct {
		env  []string
		args []string
		want string
	}{
		{nil, nil, "threads = 3\n"},
		{[]string{"GOWSGI_THREADS=4"}, nil, "threads = 4\n"},
		{[]string{"GOWSGI_THREADS=4"}, []string{"--threads", "5"}, "threads = 5\n"},
		{nil, nil, "target = \"hello:application\"\n"},
	} {
		if out := printed(c.env, c.args...); !strings.Contains(out, "\n"+c.want) {
			t.Errorf("%q, %q: not %q", c.env, c.args, c.want)
		}
	}
	place := unpackedIn(t)
	here := t.TempDir()
	result := Run(t, Options{Program: bundle, Env: []string{"GOWSGI_BUNDLE_DIR=" + place, "SIZE=2"}, Dir: here},
		"python", "-c", "import os; print(os.environ['COLOUR'], os.environ['SIZE'], os.getcwd())")
	if result.Out != "red 2 "+here+"\n" {
		t.Errorf("status %d: %q, %s", result.Status, result.Out, result.Errors)
	}
	if result := Run(t, Options{Program: bundle}, "--venv", "/x", "--bundle-dir", place); result.Status != 1 || !strings.Contains(result.Errors, "--venv does not go together with a bundle") {
		t.Errorf("status %d: %s", result.Status, result.Errors)
	}
}

func TestSameInputsGiveTheSameBundle(t *testing.T) {
	source, folder, venv := t.TempDir(), t.TempDir(), Venv(t, "django_site")
	copyTree(t, Testapps("django_site"), source)
	one, two := filepath.Join(folder, "one"), filepath.Join(folder, "two")
	other := t.TempDir() // the same files somewhere else, of another time
	copyTree(t, Testapps("django_site"), other)
	for path, from := range map[string]string{one: source, two: other} {
		if result := build(t, from, path, venv, "mysite.wsgi:application"); result.Status != 0 {
			t.Fatalf("status %d: %s", result.Status, result.Errors)
		}
	}
	a, err := os.ReadFile(one)
	b, otherErr := os.ReadFile(two)
	if err != nil || otherErr != nil || !bytes.Equal(a, b) {
		t.Errorf("%d and %d bytes differ: %v, %v", len(a), len(b), err, otherErr)
	}
}

func TestInspectShowsWhatIsInABundle(t *testing.T) {
	bundle := djangoBundle(t)
	result := Run(t, Options{}, "inspect", "--files", bundle)
	parts := []string{
		"application    timing:around", "C library      inside", "Django ", "BSD-3-Clause", "commands ", "manage", " app/manage.py\n",
		" python/bin/python" + findPython(t, defaultPython()).Name + "\n",
	}
	if name := library(t, executable(t)); name != "" {
		parts = append(parts, " python/lib/"+name+"\n")
	}
	for _, part := range parts {
		if !strings.Contains(result.Out, part) {
			t.Errorf("%q is not in\n%.3000s", part, result.Out)
		}
	}
	own := Run(t, Options{Program: bundle}, "inspect")
	if own.Status != 0 || !strings.HasPrefix(result.Out, strings.SplitN(own.Out, "\ncommands", 2)[0]) {
		t.Errorf("of itself it says %d: %s%s", own.Status, own.Out, own.Errors)
	}
	var sbom struct {
		BOMFormat  string
		Components []struct{ Name, Version, PURL string }
	}
	text := Run(t, Options{}, "inspect", "--sbom", "-", bundle)
	if err := json.Unmarshal([]byte(text.Out), &sbom); err != nil || sbom.BOMFormat != "CycloneDX" {
		t.Fatalf("%v: %.200s", err, text.Out)
	}
	for _, name := range []string{"gowsgi", "cpython", "Django"} {
		at := slices.IndexFunc(sbom.Components, func(c struct{ Name, Version, PURL string }) bool { return c.Name == name })
		if at < 0 || sbom.Components[at].Version == "" || !strings.HasPrefix(sbom.Components[at].PURL, "pkg:") {
			t.Errorf("%s: %+v", name, sbom.Components)
		}
	}
	for _, c := range sbom.Components {
		if c.Name == "pip" {
			t.Error("pip is in the inventory, and not in the bundle")
		}
	}
	if result := Run(t, Options{}, "inspect", program()); result.Status != 1 || !strings.Contains(result.Errors, "is no executable that gowsgi build has made") {
		t.Errorf("status %d: %s", result.Status, result.Errors)
	}
}
