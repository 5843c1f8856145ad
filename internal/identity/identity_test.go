package identity

import (
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
)

var root = process{0, 0, true}

// somebody is a user that every system has, who is not root.
func somebody(t *testing.T) *user.User {
	t.Helper()
	for _, name := range []string{"nobody", "daemon"} {
		if account, err := user.Lookup(name); err == nil {
			return account
		}
	}
	t.Skip("no user but root")
	return nil
}

func TestUserIsFoundByNameAndByNumber(t *testing.T) {
	account := somebody(t)
	uid, gid := number(account.Uid), number(account.Gid)
	for _, name := range []string{account.Username, account.Uid} {
		who, err := resolve(config.Settings{User: name}, root)
		if err != nil {
			t.Fatal(err)
		}
		if who.UID != uid || who.GID != gid || who.Warning != "" {
			t.Errorf("%s: %+v", name, who)
		}
		if c := who.Credential; int(c.Uid) != uid || int(c.Gid) != gid || len(c.Groups) != 0 || c.NoSetGroups {
			t.Errorf("%s: %+v", name, c)
		}
		want := []string{"HOME=" + account.HomeDir, "USER=" + account.Username, "LOGNAME=" + account.Username}
		if !slices.Equal(who.Env, want) {
			t.Errorf("%s: environment %q, want %q", name, who.Env, want)
		}
	}
}

func TestGroupIsThatOfTheSettings(t *testing.T) {
	account := somebody(t)
	for _, s := range []config.Settings{{User: account.Username, Group: "61234"}, {Group: "61234"}} {
		who, err := resolve(s, root)
		if err != nil {
			t.Fatal(err)
		}
		if who.GID != 61234 || who.Credential.Gid != 61234 {
			t.Errorf("%+v", who)
		}
		if s.User == "" && (who.UID != 0 || len(who.Env) != 0 || who.Warning == "") {
			t.Errorf("it is still root: %+v", who)
		}
	}
	group, err := user.LookupGroupId(account.Gid)
	if err != nil {
		t.Skip(err)
	}
	if who, err := resolve(config.Settings{Group: group.Name}, root); err != nil || who.GID != number(account.Gid) {
		t.Errorf("%s is %+v, %v", group.Name, who, err)
	}
}

func TestNumberWithoutAnAccountNeedsAGroup(t *testing.T) {
	_, err := resolve(config.Settings{User: "61234"}, root)
	if err == nil || !strings.Contains(err.Error(), "--user 61234: ") || !strings.Contains(err.Error(), "--group") {
		t.Errorf("got %v", err)
	}
	who, err := resolve(config.Settings{User: "61234", Group: "61235"}, root)
	if err != nil || who.UID != 61234 || who.GID != 61235 || !slices.Contains(who.Env, "HOME=/") || !slices.Contains(who.Env, "USER=61234") {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestUnknownNamesAreNamedWithTheWayOut(t *testing.T) {
	for _, c := range []struct {
		settings config.Settings
		says     string
	}{
		{config.Settings{User: "no-such-user"}, "--user no-such-user: /etc/passwd has no such user: create it with useradd"},
		{config.Settings{Group: "no-such-group"}, "--group no-such-group: /etc/group has no such group: create it with groupadd"},
		{config.Settings{User: "4294967295"}, "--user 4294967295: "},
		{config.Settings{User: "-5"}, "--user -5: "},
	} {
		if _, err := resolve(c.settings, root); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v", c.settings, err)
		}
	}
}

func TestOnlyRootMayBecomeSomebodyElse(t *testing.T) {
	account := somebody(t)
	us := process{61234, 61234, false}
	for _, s := range []config.Settings{{User: account.Username}, {Group: account.Gid}, {User: account.Username, Group: account.Gid}} {
		_, err := resolve(s, us)
		if err == nil || !strings.HasPrefix(err.Error(), asked(s)+": only root may start workers as somebody else: ") {
			t.Errorf("%+v: %v", s, err)
		}
	}
	same := process{number(account.Uid), number(account.Gid), false}
	for _, s := range []config.Settings{{}, {User: account.Username}, {User: account.Uid, Group: account.Gid, Initgroups: true}} {
		if who, err := resolve(s, same); err != nil || who.Credential != nil || who.UID != -1 || who.GID != -1 || who.Warning != "" {
			t.Errorf("%+v: %+v, %v", s, who, err)
		}
	}
}

func TestWorkersOfRootWithoutAUserAreWarnedOf(t *testing.T) {
	for _, s := range []config.Settings{{}, {User: "0"}} {
		if who, err := resolve(s, root); err != nil || who.Credential != nil || !strings.Contains(who.Warning, "--user") {
			t.Errorf("%+v, %v", who, err)
		}
	}
}

func TestProcessIsThatUserAndNothingOfRootIsLeft(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	account := somebody(t)
	for _, initgroups := range []bool{false, true} {
		who, err := Resolve(config.Settings{User: account.Username, Initgroups: initgroups})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("id", "-G")
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who.Credential}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want := []string{account.Gid}
		if initgroups {
			if want, err = account.GroupIds(); err != nil {
				t.Fatal(err)
			}
		}
		got := strings.Fields(string(out))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("initgroups %v: groups %v, want %v", initgroups, got, want)
		}
	}
}

func TestUmaskIsSet(t *testing.T) {
	before := syscall.Umask(0o022)
	defer syscall.Umask(before)
	for _, c := range []struct {
		mask string
		want int
	}{{"0007", 0o007}, {"", 0o007}, {"0777", 0o777}} {
		if err := SetUmask(c.mask); err != nil {
			t.Error(err)
		}
		if got := syscall.Umask(0o022); got != c.want {
			t.Errorf("%q makes it %s, want %s", c.mask, strconv.FormatInt(int64(got), 8), strconv.FormatInt(int64(c.want), 8))
		} else {
			syscall.Umask(got)
		}
	}
	if SetUmask("9") == nil {
		t.Error("taken: 9")
	}
}
