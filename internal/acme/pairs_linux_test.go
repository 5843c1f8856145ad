package acme

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"golang.org/x/sys/unix"
)

// as has do see files as another user, also where root runs the tests.
func as(t *testing.T, uid int, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { // its thread ends with it
		defer close(done)
		runtime.LockOSThread()
		_, _, _ = unix.RawSyscall(unix.SYS_SETFSUID, uintptr(uid), 0, 0)
		do()
	}()
	<-done
}

// What may be good is not to be removed.
func TestWhatCannotBeReadIsNotToBeRemoved(t *testing.T) {
	const name = "a.example.org"
	s := Settings{Names: []string{name}, Directory: directory, Storage: t.TempDir()}
	store(t, s.Storage, name, time.Now().Add(time.Hour))
	authority := (&certmagic.ACMEIssuer{CA: directory}).IssuerKey()
	certificate := filepath.Join(s.Storage, certmagic.StorageKeys.SiteCert(authority, name))
	key := filepath.Join(s.Storage, certmagic.StorageKeys.SitePrivateKey(authority, name))
	refused := func(want string) {
		t.Helper()
		_, err := s.Pairs()
		switch {
		case err == nil:
			t.Errorf("no error, want %s", want)
		case !strings.HasPrefix(err.Error(), "--acme-storage "+s.Storage+": ") || !strings.Contains(err.Error(), want),
			strings.Contains(err.Error(), "remove") || strings.Contains(err.Error(), "open "):
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, closed := range []string{key, certificate, filepath.Join(s.Storage, "certificates")} {
		if err := os.Chmod(closed, 0); err != nil {
			t.Fatal(err)
		}
		uid := os.Geteuid()
		if uid == 0 {
			uid = 65534
		}
		as(t, uid, func() { refused("may not read " + filepath.Dir(closed)) })
		if err := os.Chmod(closed, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(certificate); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(certificate, certificate); err != nil {
		t.Fatal(err)
	}
	refused(certificate + ", which is for a.example.org, cannot be read: too many levels of symbolic links")
}
