// Package title sets how ps shows this process.
//
// The kernel shows a process's command line from the memory in which it was
// passed, so a title is written over it, as Postgres and nginx do, and over the
// environment behind it as far as the title is longer; /proc/PID/environ then
// starts with the rest of it. Go has copied the environment by then, but its
// os.Args are that memory: whoever uses Take must do so before anything else
// looks at os.Args.
//
// gspt and the like do this with cgo, which gowsgi does not have. prctl's
// PR_SET_MM_ARG_START would leave the memory alone, but needs CAP_SYS_RESOURCE.
// A worker needs none of this: it is started under its title.
package title

import (
	"os"
	"strings"
)

// Title is where the title is written.
type Title struct {
	memory []byte // empty where titles cannot be set
	least  int    // bytes of it that the command line had
}

// Take makes os.Args independent of the memory that Set writes to. It must come
// first in main: what was cut out of os.Args before would change under Set.
func Take() *Title {
	memory, least := commandLine()
	for i, arg := range os.Args {
		os.Args[i] = strings.Clone(arg)
	}
	return &Title{memory: memory, least: least}
}

// Set shows text for this process from now on, or as much of it as there is room
// for, and name (at most 15 bytes) where only the program's name is shown.
func (t *Title) Set(name, text string) {
	setName(name)
	if len(t.memory) == 0 {
		return
	}
	text = strings.ReplaceAll(text, "\x00", "")
	end := copy(t.memory[:len(t.memory)-1], text)
	clear(t.memory[end:max(t.least, end+1)])
	t.least = max(t.least, end+1) // a shorter one must not end in this one
}
