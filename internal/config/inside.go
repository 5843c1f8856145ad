package config

import (
	"slices"
	"strings"
)

// Inside are the settings of a bundle, weaker than all others. A gowsgi.toml that
// nobody names is not read over them.
type Inside struct {
	Name   string // in messages
	Target string
	TOML   string

	Program  string   // how the bundle is called
	Commands []string // which it runs, if they come first
	// Module tells whether it has a module of this name.
	Module func(name string) bool
}

// line is how an application is served; a bundle has one.
func (i *Inside) line(application string) string {
	if i == nil {
		return "gowsgi " + ShellWord(application)
	}
	return i.Program
}

// judge says what is wrong with several words, if they are meant to be a command.
func (i *Inside) judge(words []string) string {
	if i == nil {
		return ""
	}
	for at, word := range words {
		if slices.Contains(i.Commands, word) {
			return word + " is run if it comes first, and settings are variables then, such as GOWSGI_BUNDLE_DIR: write " +
				i.Program + " " + strings.Join(words[at:], " ")
		}
	}
	first := words[0]
	if stem, script := strings.CutSuffix(first, ".py"); script && slices.Contains(i.Commands, stem) {
		return first + " is called " + stem + " in it: write " + i.Program + " " + strings.Join(append([]string{stem}, words[1:]...), " ")
	} else if script && !slices.ContainsFunc(words[1:], isAddress) {
		return "scripts are run by the Python inside: write " + i.Program + " python " + strings.Join(words, " ")
	}
	if i.lacks(first) {
		if _, foreign := foreignCommands[first]; !foreign && !isAddress(first) {
			return i.noCommand(first)
		}
	}
	return ""
}

// lacks tells whether a word can only be a command, as far as the bundle knows.
func (i *Inside) lacks(word string) bool {
	return i != nil && !strings.ContainsAny(word, ".:/(") && !i.Module(word)
}

func (i *Inside) noCommand(word string) string {
	return "there is no command " + ShellWord(word) + " in it: " + i.Program + " --help lists those that there are"
}
