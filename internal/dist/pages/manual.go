package main

import (
	"fmt"
	"strings"

	"github.com/gowsgi/gowsgi/internal/config"
	"github.com/gowsgi/gowsgi/internal/version"
)

// manual is gowsgi(1), for man.
func manual() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH GOWSGI 1 \"\" \"gowsgi %s\" \"User Commands\"\n", version.Version)
	b.WriteString(`.SH NAME
gowsgi \- serve a Python web application that speaks WSGI
.SH SYNOPSIS
.B gowsgi
.RI [ OPTION ...]
.I TARGET
.br
.B gowsgi
.I COMMAND
.RI [ ARGUMENT ...]
.SH DESCRIPTION
`)
	paragraph(&b, "gowsgi serves the application that TARGET names: module:callable (without a callable: application, then app), "+
		"a factory module:make(), or the path of a .py or .wsgi file. It finds the application's virtualenv, starts workers with that CPython inside, "+
		"and looks after them.")
	paragraph(&b, "Each option is a key of the TOML file that -c names, written with _ for -, and a variable of the environment. "+
		"The command line is stronger than the environment, which is stronger than the file.")
	b.WriteString(".SH COMMANDS\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, ".TP\n.B gowsgi %s %s\n%s\n", roff(c.Name), roff(c.Arguments), roff(c.Help))
	}
	b.WriteString(".SH OPTIONS\n")
	group := ""
	for _, o := range config.Options() {
		if o.Group != group {
			group = o.Group
			fmt.Fprintf(&b, ".SS %s\n", roff(group))
		}
		names := `\-\-` + roff(o.Name)
		if o.Short != "" {
			names = `\-` + roff(o.Short) + ", " + names
		}
		fmt.Fprintf(&b, ".TP\n.B %s", names)
		if o.Meta != "" {
			fmt.Fprintf(&b, " %s", roff(o.Meta))
		}
		text := o.Help
		if o.More != "" {
			text += " " + o.More
		}
		if o.Default != "" {
			text += " Default: " + o.Default + "."
		}
		fmt.Fprintf(&b, "\n%s\n", roff(text))
	}
	b.WriteString(`.SH EXIT STATUS
.TP
.B 0
It served, and was told to stop.
.TP
.B 1
Something that it needs is missing, or broke.
.TP
.B 2
A setting is wrong.
.SH SIGNALS
TERM stops when running requests are done, HUP loads settings and application
anew, USR1 opens the log files anew, USR2 starts the program that is there now in
this one's place.
.SH FILES
.TP
.I /etc/gowsgi/NAME.toml
The settings of the service gowsgi@NAME.
.TP
.I gowsgi.toml
Those of a gowsgi that is started in its folder, unless another file is named.
.SH SEE ALSO
.BR systemctl (1)
`)
	return b.String()
}

func paragraph(b *strings.Builder, text string) { fmt.Fprintf(b, ".PP\n%s\n", roff(text)) }

// roff is text in which nothing is an instruction.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `...`, "'", `\(aq`).Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}
