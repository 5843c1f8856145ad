package listen

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gowsgi/gowsgi/internal/octets"
)

// variable describes the sockets that a new gowsgi inherits from the old one.
const variable = "GOWSGI_INHERIT"

// firstInherited is the descriptor of the first of exec.Cmd's ExtraFiles.
const firstInherited = 3

// heirloom is a socket in variable, which holds a JSON array of them (package octets).
type heirloom struct {
	FD       int    `json:"fd"`
	Bind     string `json:"bind"`
	Network  string `json:"network"`
	Address  string `json:"address"`
	Origin   origin `json:"origin,omitempty"`
	Identity string `json:"identity,omitempty"`
}

// Hand lets a command inherit the listeners, for Inherited to find. When the
// new process serves, the caller must Release them and not Close them.
func Hand(cmd *exec.Cmd, listeners []*Listener) error {
	var all []heirloom
	for _, l := range listeners {
		all = append(all, heirloom{
			FD: firstInherited + len(cmd.ExtraFiles), Bind: l.Bind, Network: l.Network, Address: l.Address,
			Origin: l.origin, Identity: l.identity,
		})
		cmd.ExtraFiles = append(cmd.ExtraFiles, l.file)
	}
	text, err := octets.Marshal(all)
	if err != nil {
		return err
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(slices.DeleteFunc(slices.Clone(cmd.Env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == variable
	}), variable+"="+string(text))
	return nil
}

// Inherited returns the sockets that this process was started with: those of
// the gowsgi that it replaces, or else systemd's. Usually there are none. It
// takes what describes them out of the environment, so that no child process
// believes it is meant. Once this gowsgi serves and the old one is told so, all
// of them are to be told to Keep, and those that are not wanted to be closed
// then. Errors are one sentence.
func Inherited() ([]*Listener, error) {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return fromSystemd()
	}
	os.Unsetenv(variable)
	var all []heirloom
	if err := octets.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("$%s is not what a gowsgi that is upgraded writes: unset it", variable)
	}
	var listeners []*Listener
	for _, h := range all {
		l, err := borrow(h.Bind, h.FD, h.Origin)
		if err != nil {
			for _, l := range listeners {
				l.Release()
			}
			return nil, fmt.Errorf("$%s names descriptor %d for %s, but it %w: unset it", variable, h.FD, h.Bind, err)
		}
		unix.Close(h.FD) // what is held is a copy
		l.Network, l.Address, l.identity, l.lent = h.Network, h.Address, h.Identity, true
		listeners = append(listeners, l)
	}
	return listeners, nil
}
