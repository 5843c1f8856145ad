package config

import (
	"errors"
	"slices"
	"strings"
)

// AccessFormat is what access_logformat says a line of the access log is.
type AccessFormat struct {
	JSON   bool // an object for each request, and no Parts
	Apache bool // the atoms have Apache's meanings, not Gunicorn's
	Parts  []AccessPart
}

// AccessPart is a piece of a line: text, or an atom.
type AccessPart struct {
	Text string
	// Atom is a name of Gunicorn's or a letter of Apache's; empty for text.
	Atom string
	// Argument stands in braces before i, o, e and some of Apache's.
	Argument string
}

// accessFormats are the formats that have names, Apache's.
var accessFormats = map[string]string{
	"common":         `%h %l %u %t "%r" %>s %b`,
	"combined":       `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`,
	"vhost_combined": `%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
}

// ParseAccessFormat understands access_logformat. The first atom decides whose
// atoms they are: %(h)s is Gunicorn's, %h Apache's. The error is for the user.
func ParseAccessFormat(format string) (AccessFormat, error) {
	if format == "json" {
		return AccessFormat{JSON: true}, nil
	}
	if named, ok := accessFormats[format]; ok {
		format = named
	}
	if !isLine(format) {
		return AccessFormat{}, errors.New("must be a line of text")
	}
	p := accessParser{rest: format}
	for p.next() {
	}
	p.flush()
	return AccessFormat{Apache: p.apache, Parts: p.parts}, p.err
}

type accessParser struct {
	rest   string
	text   strings.Builder
	parts  []AccessPart
	atoms  int
	apache bool
	err    error
}

// next takes the text up to an atom, and the atom. False: nothing is left, or
// err is set.
func (p *accessParser) next() bool {
	text, rest, found := strings.Cut(p.rest, "%")
	p.text.WriteString(text)
	if !found {
		return false
	}
	if after, ok := strings.CutPrefix(rest, "%"); ok {
		p.text.WriteByte('%')
		p.rest = after
		return true
	}
	apache := !strings.HasPrefix(rest, "(")
	if p.atoms > 0 && apache != p.apache {
		p.err = errors.New("mixes Gunicorn's atoms, such as %(h)s, with Apache's, such as %h; use one kind, and %% for a percent sign")
		return false
	}
	p.apache = apache
	p.atoms++
	p.flush()
	if apache {
		return p.apacheAtom(rest)
	}
	return p.gunicornAtom(rest)
}

func (p *accessParser) flush() {
	if p.text.Len() > 0 {
		p.parts = append(p.parts, AccessPart{Text: p.text.String()})
		p.text.Reset()
	}
}

// gunicornAtom is (name)s. Gunicorn writes - for a name that it does not know.
func (p *accessParser) gunicornAtom(rest string) bool {
	name, after, closed := strings.Cut(rest[1:], ")s")
	if !closed || name == "" || strings.ContainsAny(name, "()%") {
		p.err = errors.New("has " + shown("%"+rest) + ", which is no atom; write one as %(h)s, and a percent sign as %%")
		return false
	}
	part := AccessPart{Atom: name}
	if last := len(name) - 1; last > 2 && name[0] == '{' && name[last-1] == '}' {
		part = AccessPart{Atom: name[last:], Argument: name[1 : last-1]}
	}
	p.parts = append(p.parts, part)
	p.rest = after
	return true
}

// apacheAtoms are the letters that are known, with the arguments that they can
// have; nil is none, "" that it may do without, * any.
var apacheAtoms = map[byte][]string{
	'a': {"", "c"}, 'A': nil, 'b': nil, 'B': nil, 'C': {"*"}, 'D': nil, 'e': {"*"}, 'f': nil, 'h': nil, 'H': nil,
	'i': {"*"}, 'I': nil, 'k': nil, 'l': nil, 'L': nil, 'm': nil, 'o': {"*"}, 'O': nil,
	'p': {"", "canonical", "local", "remote"}, 'P': {"", "pid", "tid"}, 'q': nil, 'r': nil, 's': nil,
	't': {"", "sec", "msec", "usec", "msec_frac", "usec_frac"}, 'T': {"", "s", "ms", "us"},
	'u': nil, 'U': nil, 'v': nil, 'V': nil, 'X': nil,
}

// apacheAtom is a letter, perhaps with an {argument} and with < or > before it:
// there are no internal redirects for which these would differ.
func (p *accessParser) apacheAtom(rest string) bool {
	left := strings.TrimLeft(rest, "<>")
	argument, braces := "", strings.HasPrefix(left, "{")
	if braces {
		argument, left, _ = strings.Cut(left[1:], "}")
	}
	if left == "" {
		p.err = errors.New("ends within " + shown("%"+rest) + "; write a percent sign as %%")
		return false
	}
	atom := "%" + rest[:len(rest)-len(left)] + left[:1]
	arguments, known := apacheAtoms[left[0]]
	switch {
	case !known:
		p.err = errors.New("has " + shown(atom) + ", which is no atom that gowsgi knows; write a percent sign as %%")
	case !braces && arguments != nil && arguments[0] == "*":
		p.err = errors.New("has " + shown(atom) + " without a name; write %{NAME}" + left[:1])
	case braces && !slices.Contains(arguments, argument) && (argument == "" || !slices.Contains(arguments, "*")):
		p.err = errors.New("has " + shown(atom) + ", which gowsgi does not know; " + apacheWay(left[:1], arguments))
	default:
		p.parts = append(p.parts, AccessPart{Atom: left[:1], Argument: argument})
		p.rest = left[1:]
		return true
	}
	return false
}

// apacheWay says how an atom can be written.
func apacheWay(letter string, arguments []string) string {
	if arguments == nil {
		return "write %" + letter
	}
	if arguments[0] == "*" {
		return "write %{NAME}" + letter
	}
	var ways []string
	for _, argument := range arguments {
		way := "%" + letter
		if argument != "" {
			way = "%{" + argument + "}" + letter
		}
		ways = append(ways, way)
	}
	return "write " + strings.Join(ways, " or ")
}
