package certs

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// variable names the descriptor from which a gowsgi that takes over reads the tickets
// of the old one. They stand in a pipe, where nobody else sees them.
const variable = "GOWSGI_TICKETS_FD"

// firstExtraFile is the descriptor of the first of exec.Cmd's ExtraFiles.
const firstExtraFile = 3

// Hand lets a command inherit the tickets, for Inherit to find. The file is to be
// closed when the command was started.
func (t *Tickets) Hand(cmd *exec.Cmd) (*os.File, error) {
	cmd.Env = slices.DeleteFunc(slices.Clone(cmd.Env), func(entry string) bool { return strings.HasPrefix(entry, variable+"=") })
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	if _, err := ours.Write(text); err != nil { // it has room for that
		theirs.Close()
		return nil, err
	}
	cmd.Env = append(cmd.Env, variable+"="+strconv.Itoa(firstExtraFile+len(cmd.ExtraFiles)))
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
	return theirs, nil
}

// Inherit returns what Hand gave; nil if there is nothing, or it is not that. It is to
// be called before this process starts another one.
func Inherit() *Tickets {
	number, err := strconv.Atoi(os.Getenv(variable))
	_ = os.Unsetenv(variable)
	if err != nil || number < firstExtraFile {
		return nil
	}
	syscall.CloseOnExec(number)
	var kind syscall.Stat_t
	if err := syscall.Fstat(number, &kind); err != nil || kind.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return nil // whoever set the variable meant something else
	}
	file := os.NewFile(uintptr(number), "tickets")
	defer file.Close()
	t := &Tickets{}
	if json.NewDecoder(file).Decode(t) != nil || t.Check() != nil {
		return nil
	}
	return t
}
