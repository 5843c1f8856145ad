package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/identity"
	"github.com/gowsgi/gowsgi/internal/supervisor"
)

func TestLogsAreGivenToTheWorkersUserIfTheyAreFiles(t *testing.T) {
	uid, gid := os.Getuid(), os.Getgid() // whoever may be given files by us
	if uid == 0 {
		uid, gid = 65534, 65534
	}
	who := identity.Identity{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, UID: uid, GID: gid}
	folder := t.TempDir()
	log, access := filepath.Join(folder, "error.log"), filepath.Join(folder, "access.log")
	for _, s := range []config.Settings{
		{ErrorLogfile: "-", AccessLogfile: ""},
		{ErrorLogfile: "-", AccessLogfile: "-"},
		{ErrorLogfile: os.DevNull, AccessLogfile: os.DevNull},
		{ErrorLogfile: log, AccessLogfile: access},
	} {
		if err := handLogs(supervisor.Deployment{Settings: s, Identity: who}); err != nil {
			t.Errorf("%q and %q: %v", s.ErrorLogfile, s.AccessLogfile, err)
		}
	}
	for _, path := range []string{log, access} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); int(stat.Uid) != uid || int(stat.Gid) != gid {
			t.Errorf("%s is user %d's, group %d's", path, stat.Uid, stat.Gid)
		}
	}
}

func TestUpgradeStartsThisProgramWhateverItIsCalled(t *testing.T) {
	lies, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	link := filepath.Join(folder, "gowsgi")
	if err := os.Symlink(lies, link); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":/bin:/usr/bin")
	was := os.Args[0]
	defer func() { os.Args[0] = was }()
	for name, want := range map[string]string{
		"mysite": lies, "./mysite": lies, "": lies, "sh": lies, "/bin/sh": lies, link: link, "gowsgi": link,
	} {
		os.Args[0] = name
		place, err := program(nil)
		if err != nil {
			t.Fatal(err)
		}
		upgrade, err := start{}.upgrade(place)
		if err != nil {
			t.Errorf("called %q: %v", name, err)
		} else if cmd := upgrade(); cmd.Path != want || cmd.Args[0] != name {
			t.Errorf("called %q, it starts %s as %q", name, cmd.Path, cmd.Args[0])
		}
	}
}
