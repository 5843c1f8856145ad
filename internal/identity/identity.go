package identity

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/config"
)

// Identity is who the workers are.
type Identity struct {
	// Credential starts a process as the user; nil: as gowsgi itself.
	Credential *syscall.Credential
	// UID and GID are to own what workers must be able to reach, such as unix
	// sockets and log files; -1: gowsgi's own will do.
	UID, GID int
	// Env are HOME, USER and LOGNAME, to go over the environment of gowsgi and
	// below --env; empty: as they are.
	Env []string
	// Warning is a sentence for the log, or empty.
	Warning string
}

// Resolve finds the user and the group of the settings. Errors are one sentence.
func Resolve(s config.Settings) (Identity, error) {
	return resolve(s, process{os.Geteuid(), os.Getegid(), mayChange()})
}

// process is who gowsgi is, and whether it may start others.
type process struct {
	uid, gid  int
	mayChange bool
}

func resolve(s config.Settings, us process) (Identity, error) {
	who := Identity{UID: -1, GID: -1}
	uid, gid := us.uid, us.gid
	var account *user.User
	if s.User != "" {
		var err error
		if uid, account, err = findUser(s.User); err != nil {
			return who, err
		}
		switch {
		case account != nil:
			gid = number(account.Gid)
		case uid != us.uid && s.Group == "":
			return who, fmt.Errorf("--user %s: /etc/passwd has no user of this number, so its group is not known: name one with --group", s.User)
		}
	}
	if s.Group != "" {
		var err error
		if gid, err = findGroup(s.Group); err != nil {
			return who, err
		}
	}
	// Its own groups are what it has already.
	if uid == us.uid && gid == us.gid && (!s.Initgroups || !us.mayChange || account == nil) {
		if uid == 0 {
			who.Warning = "workers run as root: name a user for them with --user"
		}
		return who, nil
	}
	if !us.mayChange {
		return who, fmt.Errorf("%s: only root may start workers as somebody else: start gowsgi as root, or as that user and group", asked(s))
	}
	who.UID, who.GID = uid, gid
	who.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if s.Initgroups && account != nil {
		groups, err := groupsOf(account, gid)
		if err != nil {
			return who, fmt.Errorf("--initgroups: the groups of %s cannot be read: %w: see /etc/group", s.User, err)
		}
		who.Credential.Groups = groups
	}
	if uid != us.uid {
		who.Env = environment(uid, account)
	}
	if uid == 0 {
		who.Warning = "workers run as root: name a user for them with --user"
	}
	return who, nil
}

// asked is what the user wrote.
func asked(s config.Settings) string {
	switch {
	case s.Group == "":
		return "--user " + s.User
	case s.User == "":
		return "--group " + s.Group
	}
	return "--user " + s.User + " --group " + s.Group
}

// findUser finds a user by name, else by number, as chown does. A number need
// not have an account.
func findUser(text string) (uid int, account *user.User, err error) {
	account, err = user.Lookup(text)
	if err == nil {
		return number(account.Uid), account, nil
	}
	if uid = number(text); uid >= 0 {
		if account, err = user.LookupId(text); err != nil {
			account = nil
		}
		return uid, account, nil
	}
	var unknown user.UnknownUserError
	if errors.As(err, &unknown) {
		return 0, nil, fmt.Errorf("--user %s: /etc/passwd has no such user: create it with useradd, or write the number of a user who is elsewhere", text)
	}
	return 0, nil, fmt.Errorf("--user %s: /etc/passwd cannot be read: %w: write the user's number", text, err)
}

func findGroup(text string) (gid int, err error) {
	group, err := user.LookupGroup(text)
	if err == nil {
		return number(group.Gid), nil
	}
	if gid = number(text); gid >= 0 {
		return gid, nil
	}
	var unknown user.UnknownGroupError
	if errors.As(err, &unknown) {
		return 0, fmt.Errorf("--group %s: /etc/group has no such group: create it with groupadd, or write the number of a group that is elsewhere", text)
	}
	return 0, fmt.Errorf("--group %s: /etc/group cannot be read: %w: write the group's number", text, err)
}

// number reads a user's or a group's; -1 if text is none. The largest means
// "no change" to the kernel.
func number(text string) int {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == math.MaxUint32 {
		return -1
	}
	return int(n)
}

// groupsOf are all that a user is a member of, and gid.
func groupsOf(account *user.User, gid int) ([]uint32, error) {
	ids, err := account.GroupIds()
	if err != nil {
		return nil, err
	}
	groups := []uint32{uint32(gid)}
	for _, id := range ids {
		if n := number(id); n >= 0 && !slices.Contains(groups, uint32(n)) {
			groups = append(groups, uint32(n))
		}
	}
	return groups, nil
}

// environment is what a login sets. A number without an account gets what
// containers give it, so that getpass.getuser() has an answer.
func environment(uid int, account *user.User) []string {
	home, name := "/", strconv.Itoa(uid)
	if account != nil {
		name = account.Username
		if account.HomeDir != "" {
			home = account.HomeDir
		}
	}
	return []string{"HOME=" + home, "USER=" + name, "LOGNAME=" + name}
}
