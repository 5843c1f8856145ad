// Package dump reads the stacks that CPython's faulthandler prints, and words
// stacks for a log.
package dump

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Thread is a thread as faulthandler prints it.
type Thread struct {
	Ident uint64 // Python's name for it
	Name  string // if it is printed
	Text  string // as traceback.format_stack has it, without source lines
}

var (
	dumpThread = regexp.MustCompile(`^(?:Current thread|Thread) 0x([0-9a-f]+)(?: \[(.*)\])? \(most recent call first\):$`)
	dumpFrame  = regexp.MustCompile(`^  File "(.*)", line (\d+|\?\?\?) in (.*)$`)
)

// Threads reads what faulthandler prints and turns it the way tracebacks are:
// the most recent call comes last. What every thread of threading begins with is
// left out.
func Threads(text string) []Thread {
	var threads []Thread
	var frames []string // of the last thread, most recent first
	finish := func() {
		if len(threads) == 0 {
			return
		}
		for len(frames) > 0 && strings.Contains(frames[len(frames)-1], "/threading.py\"") {
			frames = frames[:len(frames)-1]
		}
		slices.Reverse(frames)
		threads[len(threads)-1].Text = strings.Join(frames, "")
		frames = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := dumpThread.FindStringSubmatch(line); m != nil {
			finish()
			ident, _ := strconv.ParseUint(m[1], 16, 64) // it is hexadecimal
			threads = append(threads, Thread{Ident: ident, Name: m[2]})
		} else if m := dumpFrame.FindStringSubmatch(line); m != nil {
			frames = append(frames, fmt.Sprintf("  File \"%s\", line %s, in %s\n", m[1], m[2], m[3]))
		} else if strings.HasPrefix(line, "  ") && line != "  <no Python frame>" {
			frames = append(frames, line+"\n") // "..." after too many
		}
	}
	finish()
	return threads
}

// Inexact is to stand below stacks that were taken without the GIL.
const Inexact = "Some thread keeps the GIL: the stacks were taken without it and may not be exact.\n"

// WithoutImporting is a stack without the machinery between an import and the
// module, and without what finds the application (package load).
func WithoutImporting(stack string) string {
	var b strings.Builder
	for line := range strings.Lines(stack) {
		if !strings.HasPrefix(line, `  File "<frozen importlib.`) && !strings.HasPrefix(line, `  File "<gowsgi>"`) {
			b.WriteString(line)
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
