package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gowsgi/gowsgi/internal/scarcity"
)

// Problem is one thing that is wrong with what the user wrote.
type Problem struct {
	// Source says where it was written: "gowsgi.toml line 7", "--threads",
	// "$GOWSGI_THREADS".
	Source string
	// Key is the TOML key of the setting, as far as there is one.
	Key string
	// Message says what is wrong and what to write instead.
	Message string
}

// String is the problem on one line. The key is left out where the source
// says it already.
func (p Problem) String() string {
	text := p.Source + ": " + p.Key + ": " + p.Message
	if p.Key == "" || strings.HasPrefix(p.Source, "-") || strings.HasPrefix(p.Source, "$") {
		text = p.Source + ": " + p.Message
	}
	if !isLine(text) { // names are the user's: a terminal should not obey them
		text = escaped(text)
	}
	return text
}

// escaped is text with everything spelled out that is not to be printed.
func escaped(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// Problems is the error that [Load] returns: everything that is wrong, so
// that it takes one attempt to put it right. The program ends with exit
// status 2 on it.
type Problems struct {
	// List is never empty, and in order of precedence: file, environment,
	// command line, then what does not go together.
	List []Problem
}

// Error lists the problems, one a line, under a line that counts them.
func (p *Problems) Error() string {
	var b strings.Builder
	if len(p.List) == 1 {
		b.WriteString("1 problem in the settings:")
	} else {
		fmt.Fprintf(&b, "%d problems in the settings:", len(p.List))
	}
	for _, problem := range p.List {
		b.WriteString("\n  " + problem.String())
	}
	return b.String()
}

// wrong is an error that a setting is to blame for, see Wrong.
type wrong struct{ error }

func (w wrong) Unwrap() error { return w.error }

// Wrong marks an error that a setting is to blame for, though it is well written: it
// names a file that is not there, or not what it is to be. The program ends with exit
// status 2 on it as on Problems, since another attempt would find the same; not so if
// what is wrong is that the machine has too little of something. Wrong of nil is nil.
func Wrong(err error) error {
	if err == nil || scarcity.Of(err) != "" {
		return err
	}
	return wrong{err}
}

// IsWrong tells whether an error is so marked.
func IsWrong(err error) bool {
	var w wrong
	return errors.As(err, &w)
}
