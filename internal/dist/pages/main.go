// Pages writes the manual page and what shells complete with, from the table of
// settings and the list of commands:
//
//	go run ./internal/dist/pages FOLDER
//
// leaves gowsgi.1, gowsgi.bash, _gowsgi (zsh) and gowsgi.fish there. make deb
// calls it.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gowsgi/gowsgi/internal/console"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: pages FOLDER")
		return 2
	}
	for name, text := range map[string]string{
		"gowsgi.1": manual(), "gowsgi.bash": bash(), "_gowsgi": zsh(), "gowsgi.fish": fish(),
	} {
		if err := os.WriteFile(filepath.Join(args[0], name), []byte(text), 0o644); err != nil {
			fmt.Fprintf(stderr, "pages: %v\n", err)
			return 1
		}
	}
	return 0
}

// commands are those of a gowsgi that runs, and those that make and show bundles.
func commands() []console.Command {
	all := append(console.Commands(),
		console.Command{
			Name: "build", Arguments: "[-o FILE] [OPTION…] TARGET", Help: "Make one executable of a site, which runs without Python.",
			Options: []string{"--output", "--include", "--exclude", "--with-libc", "--full"},
		},
		console.Command{
			Name: "inspect", Arguments: "[OPTION…] FILE", Help: "Show what is in such an executable.",
			Options: []string{"--files", "--sbom"},
		})
	slices.SortFunc(all, func(a, b console.Command) int { return strings.Compare(a.Name, b.Name) })
	return all
}
