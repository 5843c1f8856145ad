package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/console"
)

// spellings are how an option is written.
func spellings(o config.Option) []string {
	if o.Short == "" {
		return []string{"--" + o.Name}
	}
	return []string{"-" + o.Short, "--" + o.Name}
}

// takesAll tells whether a command takes gowsgi's own options as well.
func takesAll(c console.Command) bool { return c.Name == "build" }

// What options of commands want behind them.
var (
	takeFiles  = []string{"--output", "--sbom", "--pid", "--control"}
	takeOthers = []string{"--include", "--exclude", "--name"}
)

// bash completes options, their values where they are few or files, and commands.
func bash() string {
	var options, names, files, folders, others []string
	var words strings.Builder
	for _, o := range config.Options() {
		options = append(options, spellings(o)...)
		pattern := strings.Join(spellings(o), "|")
		switch {
		case len(o.Words) > 0:
			fmt.Fprintf(&words, "        %s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", pattern, strings.Join(o.Words, " "))
		case o.IsFolder():
			folders = append(folders, pattern)
		case o.IsPath():
			files = append(files, pattern)
		case o.Meta != "":
			others = append(others, pattern)
		}
	}
	var per strings.Builder
	for _, c := range commands() {
		names = append(names, c.Name)
		all := ""
		if takesAll(c) {
			all = "$options "
		}
		fmt.Fprintf(&per, "        %s) options=\"%s%s\" ;;\n", c.Name, all, strings.Join(c.Options, " "))
	}
	return fmt.Sprintf(`# bash completion for gowsgi
_gowsgi() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} options
    COMPREPLY=()
    case $prev in
%s        %s) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        %s|-o|--output|--sbom) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); return ;;
        %s) return ;;
    esac
    options='%s'
    case ${COMP_WORDS[1]} in
%s    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    else
        ((COMP_CWORD == 1)) && COMPREPLY=($(compgen -W '%s' -- "$cur"))
        compopt -o filenames 2>/dev/null
        [[ ${COMP_WORDS[1]} == inspect ]] && { COMPREPLY=($(compgen -f -- "$cur")); return; }
        COMPREPLY+=($(compgen -f -X '!*.@(py|wsgi)' -- "$cur") $(compgen -d -- "$cur"))
    fi
}
complete -F _gowsgi gowsgi
`, words.String(), strings.Join(folders, "|"), strings.Join(files, "|"), strings.Join(others, "|"),
		strings.Join(options, " "), per.String(), strings.Join(names, " "))
}

// zsh is a function for its completion system.
func zsh() string {
	var b strings.Builder
	b.WriteString("#compdef gowsgi\n\nlocal -a options commands\noptions=(\n")
	for _, o := range config.Options() {
		action := ""
		switch {
		case len(o.Words) > 0:
			action = ":" + strings.ToLower(o.Meta) + ":(" + strings.Join(o.Words, " ") + ")"
		case o.IsFolder():
			action = ":folder:_files -/"
		case o.IsPath():
			action = ":file:_files"
		case o.Meta != "":
			action = ":" + strings.ToLower(o.Meta) + ":"
		}
		for _, name := range spellings(o) {
			fmt.Fprintf(&b, "  '*%s[%s]%s'\n", name, zshText(o.Help), action)
		}
	}
	b.WriteString(")\ncommands=(\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  '%s:%s'\n", c.Name, zshText(c.Help))
	}
	b.WriteString(")\ncase ${words[2]} in\n")
	for _, c := range commands() {
		more := ""
		if takesAll(c) {
			more = "+"
		}
		fmt.Fprintf(&b, "  %s) options%s=(", c.Name, more)
		for _, name := range c.Options {
			action := ""
			if slices.Contains(takeFiles, name) {
				action = ":file:_files"
			} else if slices.Contains(takeOthers, name) {
				action = ":value:"
			}
			fmt.Fprintf(&b, "'*%s%s' ", name, action)
		}
		b.WriteString(");;\n")
	}
	b.WriteString(`esac
_arguments -s $options '1: :{ _describe command commands; _files -g "*.(py|wsgi)" }' '*:file:_files'
`)
	return b.String()
}

func zshText(text string) string {
	return strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(text)
}

// fish is a file for its folder of completions.
func fish() string {
	var b strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&b, "complete -c gowsgi -n __fish_use_subcommand -a %s -d '%s'\n", c.Name, fishText(c.Help))
	}
	var without []string // those commands that gowsgi's own options are not for
	for _, c := range commands() {
		if !takesAll(c) {
			without = append(without, c.Name)
		}
		for _, name := range c.Options {
			fmt.Fprintf(&b, "complete -c gowsgi -n '__fish_seen_subcommand_from %s' -l %s", c.Name, strings.TrimPrefix(name, "--"))
			if slices.Contains(takeFiles, name) {
				b.WriteString(" -r")
			} else if slices.Contains(takeOthers, name) {
				b.WriteString(" -x")
			}
			b.WriteString("\n")
		}
	}
	for _, o := range config.Options() {
		fmt.Fprintf(&b, "complete -c gowsgi -n 'not __fish_seen_subcommand_from %s' -l %s", strings.Join(without, " "), o.Name)
		if o.Short != "" {
			fmt.Fprintf(&b, " -s %s", o.Short)
		}
		switch {
		case len(o.Words) > 0:
			fmt.Fprintf(&b, " -x -a '%s'", strings.Join(o.Words, " "))
		case o.IsFolder():
			b.WriteString(" -x -a '(__fish_complete_directories)'")
		case o.IsPath():
			b.WriteString(" -r")
		case o.Meta != "":
			b.WriteString(" -x")
		}
		fmt.Fprintf(&b, " -d '%s'\n", fishText(o.Help))
	}
	return b.String()
}

func fishText(text string) string { return strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) }
