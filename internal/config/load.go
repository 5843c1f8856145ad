package config

import (
	"maps"
	"slices"
	"strings"
)

// Action is what the user wants the program to do.
type Action int

// Help and Version need no settings, so they are never refused. PrintConfig
// needs no target; Serve and CheckConfig do.
const (
	Serve       Action = iota
	CheckConfig        // --check-config: load the application, serve nothing
	PrintConfig        // --print-config: Settings.WriteTOML to standard output
	Version            // --version
	Help               // --help: WriteHelp to standard output
)

// Invocation is a command line with its environment and file, understood.
type Invocation struct {
	Settings Settings
	Action   Action
	// ConfigFile is the path of the file that was read, as it was given;
	// empty if none was.
	ConfigFile string
	// Notes say what was passed over, or is not as it was under Gunicorn.
	Notes []Note
}

// Note is a remark on the settings, on one line.
type Note struct {
	Text string
	// Warning: the application or its operator may notice the difference.
	Warning bool
}

// Load works out the invocation from the command line (without the program's
// name), the environment (NAME=value, as os.Environ has it) and the file that
// these name, which it gets from readFile (os.ReadFile will do).
//
// The file is that of -c, else of $GOWSGI_CONFIG, else of -c in
// $GUNICORN_CMD_ARGS, else gowsgi.toml if readFile has one: when there is none,
// its error must wrap fs.ErrNotExist. -c "" reads no file.
//
// An empty variable counts as unset, because that is what a template without
// a value leaves behind. A variable GOWSGI_… that no setting has is refused
// only if it looks like a slip: Kubernetes makes such names, for one.
//
// The error is always *Problems; the Invocation's Action is good even then.
func Load(args, environ []string, readFile func(string) ([]byte, error)) (Invocation, error) {
	return LoadOver(nil, args, environ, readFile)
}

// LoadOver is Load for a gowsgi that has settings inside; nil: it has none.
func LoadOver(inside *Inside, args, environ []string, readFile func(string) ([]byte, error)) (Invocation, error) {
	line := parseCommandLine(args, inside)
	inv := Invocation{Settings: Defaults(), Action: line.action()}
	if inv.Action == Help || inv.Action == Version {
		return inv, nil
	}
	variables := variables(environ)
	gunicorn := parseGunicornVariable(variables[gunicornVariable])
	l := loader{readFile: readFile, settings: inv.Settings, origin: map[string]string{}, refused: map[string]bool{}}
	if inside != nil {
		l.inside = inside
		l.settings.Target, l.origin["target"] = inside.Target, inside.Name
		l.toml(inside.Name, "", inside.TOML)
	}
	inv.ConfigFile = l.file(line, gunicorn, variables)
	l.options(gunicorn)
	l.environment(variables, line, gunicorn)
	l.options(line)
	l.settleACME()
	l.check(inv.Action)
	l.settleDebug()
	inv.Settings = l.settings
	l.compareThreads(line, gunicorn)
	inv.Notes = slices.Concat(l.notes, gunicorn.notes, line.notes)
	if len(l.problems) > 0 {
		return inv, &Problems{List: l.problems}
	}
	return inv, nil
}

// loader lays one source over the other, weakest first.
type loader struct {
	readFile func(string) ([]byte, error)
	settings Settings
	problems []Problem
	notes    []Note
	origin   map[string]string // key → source of its value; none for a default
	refused  map[string]bool   // keys that some source got wrong
	inside   *Inside           // the weakest settings are a bundle's; nil: there is none
	blind    bool              // a source was unreadable: it may hold what seems to be missing
}

// apply lets set change the settings in the name of source.
func (l *loader) apply(row setting, source string, set func(*Settings) error) {
	err := set(&l.settings)
	if err == nil {
		l.origin[row.key()] = source
		return
	}
	l.refused[row.key()] = true
	for _, e := range each(err) {
		l.complain(source, row.key(), e.Error())
	}
}

// each takes apart what errors.Join has put together, however often.
func each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, each(e)...)
	}
	return errs
}

func (l *loader) complain(source, key, message string) {
	l.problems = append(l.problems, Problem{Source: source, Key: key, Message: message})
}

// variablePrefix starts the names of all of gowsgi's own variables.
const variablePrefix = "GOWSGI_"

// fileVariable names the file where -c does not.
const fileVariable = variablePrefix + "CONFIG"

// variables returns the environment's variables that are not empty.
func variables(environ []string) map[string]string {
	found := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if name != "" && value != "" {
			found[name] = value
		}
	}
	return found
}

func (l *loader) environment(variables map[string]string, line, gunicorn commandLine) {
	names := []string{strings.TrimPrefix(fileVariable, variablePrefix)}
	for _, row := range table() {
		names = append(names, strings.TrimPrefix(row.variable(), variablePrefix))
		if value, ok := variables[row.variable()]; ok {
			l.variable(row, row.variable(), value)
			continue
		}
		// What others set for all programs is none of our business when the
		// user told us himself.
		if value, ok := variables[row.env]; ok && !line.has(row) && !gunicorn.has(row) {
			if row.envText != nil {
				value = row.envText(value)
			}
			l.variable(row, row.env, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		rest, ours := strings.CutPrefix(name, variablePrefix)
		if !ours || slices.Contains(names, rest) {
			continue
		}
		if meant := suggestion(rest, names); meant != "" {
			l.complain("$"+name, "", "there is no such variable; did you mean $"+variablePrefix+meant+"?")
		}
	}
}

func (l *loader) variable(row setting, name, value string) {
	texts := []string{value}
	if k, ok := row.kind.(interface {
		lines(variable string) []string
	}); ok {
		texts = k.lines(value)
	}
	l.apply(row, "$"+name, func(s *Settings) error { return row.kind.parse(s, texts) })
}

// options applies a command line, or the variable that holds one.
func (l *loader) options(line commandLine) {
	l.problems = append(l.problems, line.problems...)
	if len(line.problems) > 0 && line.variable == "" {
		l.blind = true
	}
	for _, row := range table() {
		if texts := line.texts(row); len(texts) > 0 {
			l.apply(row, line.source(row.flag()), func(s *Settings) error { return row.kind.parse(s, texts) })
		}
	}
}
