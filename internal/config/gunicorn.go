package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/kballard/go-shellquote"
)

// gunicornVariable holds options for Gunicorn, as a shell would read them. They
// are weaker than our own variables and stronger than the file.
const gunicornVariable = "GUNICORN_CMD_ARGS"

// parseGunicornVariable takes the variable's value apart. What is only a
// switch of the command line does not belong there.
func parseGunicornVariable(value string) commandLine {
	if value == "" {
		return commandLine{variable: gunicornVariable}
	}
	args, err := shellquote.Split(value)
	if err != nil {
		line := commandLine{variable: gunicornVariable}
		line.complain(wholeLine, "", "a quote or a backslash at its end is not closed; write it as for a shell")
		return line
	}
	line := parseOptions(args, gunicornVariable)
	for _, row := range switches() {
		if row.name != "config" && len(line.values[row.name]) > 0 {
			line.complain(row.flag(), "", "is for the command line only; leave it out here")
		}
	}
	for _, target := range line.targets {
		line.note(shown(target)+" is not read here, as in Gunicorn: name the application on the command line", true)
	}
	line.targets = nil
	return line
}

// pythonFile says why a file for Gunicorn cannot be read, if path names one:
// it is a program, in Python.
func pythonFile(path string) string {
	if !strings.HasPrefix(path, "python:") && !strings.HasSuffix(path, ".py") {
		return ""
	}
	return shown(path) + " is Python, as Gunicorn has it" + wayToTOML
}

// judge says of each of Gunicorn's own options that were given what they come
// to here: a note, or a problem.
func (c *commandLine) judge() {
	for _, option := range gunicornOptions {
		for _, value := range c.values[option.name] {
			given := "--" + option.name
			if reason := option.refusal(value); reason != "" {
				c.complain(given, "", reason)
				continue
			}
			if option.value && value != noValue {
				given += " " + value
			}
			if option.warns(value) {
				c.note(given+" is Gunicorn's and does nothing here: "+option.note, true)
			} else {
				c.note(given+" is Gunicorn's and has no meaning here: "+option.note, false)
			}
		}
	}
}

// note keeps a remark, once.
func (c *commandLine) note(text string, warning bool) {
	if c.variable != "" {
		text = "$" + c.variable + ": " + text
	}
	if !isLine(text) { // values are the user's: a terminal should not obey them
		text = escaped(text)
	}
	if note := (Note{text, warning}); !slices.Contains(c.notes, note) {
		c.notes = append(c.notes, note)
	}
}

// warns tells whether something is different for want of the option with this
// value.
func (o gunicornOption) warns(value string) bool {
	return o.warn && !slices.Contains(o.tame, strings.ToLower(value))
}

// gunicornFile is read by Gunicorn by itself.
const gunicornFile = "gunicorn.conf.py"

// noteGunicornFile: who moves in may not even know that there is one.
func (l *loader) noteGunicornFile() {
	if _, err := l.readFile(gunicornFile); err == nil || errors.Is(err, fs.ErrPermission) {
		l.notes = append(l.notes, Note{gunicornFile + " is here, which Gunicorn reads by itself and gowsgi does not: write its settings to " +
			defaultFile + " (gowsgi --print-config shows one)", true})
	}
}

// compareThreads: where Gunicorn is told of workers only, each has one thread.
// An application that was never run with more may not be made for it.
func (l *loader) compareThreads(line, gunicorn commandLine) {
	if l.settings.Debug || l.origin["threads"] != "" || l.settings.Threads == 1 {
		return
	}
	came := len(gunicorn.values) > 0 // from Gunicorn, and not only with its habits
	for _, option := range gunicornOptions {
		for _, value := range slices.Concat(gunicorn.values[option.name], line.values[option.name]) {
			came = true
			if option.name == "worker-class" && option.warns(value) {
				return // there it was not one thread
			}
		}
	}
	if !came && len(line.values["workers"]) == 0 {
		return
	}
	s := l.settings
	l.notes = append(l.notes, Note{fmt.Sprintf("each worker has %d threads, where Gunicorn's have one unless --threads is given, so up to %d requests are in the application "+
		"at once: write --threads 1 if it is not made for threads, or --threads %[1]d if it is", s.Threads, s.Workers*s.Threads), came})
}

// gunicornKey says what to do about a key of a gunicorn.conf.py that no setting
// has; empty if there is none such.
func gunicornKey(key string, value any) string {
	text, _ := value.(string)
	if slices.Contains(gunicornHooks, key) {
		if ours := hooksLikeGunicorns[key]; ours != "" {
			return "gowsgi calls no hooks of Gunicorn's; leave it out, and give the function to " + ours + " in the application"
		}
		return "gowsgi calls no hooks of Gunicorn's; leave it out, or move its code into the application"
	}
	for _, option := range gunicornOptions {
		if key != option.setting() {
			continue
		}
		if reason := option.refusal(text); reason != "" {
			return reason
		}
		return "is Gunicorn's and has no meaning here: " + option.note + "; leave it out"
	}
	return ""
}

// setting is the option's name in a gunicorn.conf.py.
func (o gunicornOption) setting() string {
	if o.key != "" {
		return o.key
	}
	return strings.ReplaceAll(o.name, "-", "_")
}

// refusal says why the option with this value cannot be passed over, and the
// way out; empty if it can.
func (o gunicornOption) refusal(value string) string {
	if o.refuse == "" || slices.Contains(o.harmless, strings.ToLower(value)) {
		return ""
	}
	if len(o.harmful) > 0 && !slices.ContainsFunc(o.harmful, func(part string) bool { return strings.Contains(value, part) }) {
		return ""
	}
	return o.refuse
}
