package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/identity"
)

// other is a user that workers can be.
func other(uid, gid int) identity.Identity {
	return identity.Identity{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, UID: uid, GID: gid}
}

func TestAccessLogIsGivenToTheWorkersUserIfItIsAFile(t *testing.T) {
	who := other(os.Getuid(), os.Getgid()) // whoever may be given files by us
	if os.Getuid() == 0 {
		who = other(65534, 65534)
	}
	path := filepath.Join(t.TempDir(), "access.log")
	for _, file := range []string{"", "-", os.DevNull, path} {
		if err := handAccessLog(config.Settings{AccessLogfile: file}, who); err != nil {
			t.Errorf("%q: %v", file, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); int(stat.Uid) != who.UID || int(stat.Gid) != who.GID {
		t.Errorf("%s is user %d's, group %d's", path, stat.Uid, stat.Gid)
	}
}
