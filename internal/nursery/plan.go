package nursery

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/gowsgi/gowsgi/internal/load"
)

//go:embed nursery.py
var source string

// Plan is all that a nursery has to know.
type Plan struct {
	Executable string // the python of the virtualenv
	Targets    []load.Target
	Path       []string // goes in front of sys.path, absolute
	Board      bool     // descriptor 4 is where it reports a crash; else standard error
	Ignored    []syscall.Signal
	Capture    bool // sys.stdout and sys.stderr are for the log
	// Restore holds variables as the user had them, nil for unset.
	Restore map[string]*string
}

// longestPlan is what the nursery has room for.
const longestPlan = 128<<10 - 1

func (p Plan) encode() ([]byte, error) {
	fields := []string{"x" + p.Executable, "t" + load.Join(p.Targets), "s" + load.Source() + source}
	if p.Board {
		fields = append(fields, "b")
	}
	if p.Capture {
		fields = append(fields, "c")
	}
	for _, number := range p.Ignored {
		fields = append(fields, "i"+strconv.Itoa(int(number)))
	}
	for _, folder := range slices.Backward(p.Path) { // each goes in front of the others
		fields = append(fields, "p"+folder)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Restore)) {
		if value := p.Restore[name]; value != nil {
			fields = append(fields, "e"+name+"="+*value)
		} else {
			fields = append(fields, "u"+name)
		}
	}
	for _, field := range fields {
		if strings.ContainsRune(field, 0) {
			return nil, errors.New("a setting has a NUL in it")
		}
	}
	plan := strings.Join(fields, "\x00") + "\x00"
	if len(plan) > longestPlan {
		return nil, fmt.Errorf("the settings for it have %d bytes, and %d is the most", len(plan), longestPlan)
	}
	return []byte(plan), nil
}
