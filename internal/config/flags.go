package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// switches are the flags that are no settings: they say what to do, and which
// file to read. Without a meta, a flag takes no value.
func switches() []setting {
	return []setting{
		{name: "config", short: "c", meta: "FILE", help: `Read settings from this TOML file; else $GOWSGI_CONFIG, else ./gowsgi.toml if there is one. -c "" reads none.`},
		{name: "check-config", help: "Load the application, report what is wrong, serve nothing."},
		{name: "print-config", help: "Print the effective settings as a TOML file for -c."},
		{name: "version", short: "v", help: "Print the versions of gowsgi, Go and the CPythons inside."},
		{name: "help", short: "h", help: "Print this."},
	}
}

// flagValue is what pflag has to know of a flag. It stores nothing: the
// command line is collected first and applied last, after the file that it
// names.
type flagValue struct{ def, meta string }

func (v flagValue) String() string   { return v.def }
func (v flagValue) Set(string) error { return nil }

// Type is what --help calls the value; pflag takes "bool" for none.
func (v flagValue) Type() string {
	if v.meta == "" {
		return "bool"
	}
	return v.meta
}

// addFlag adds the row's flag, with its default for --help to show.
func addFlag(set *pflag.FlagSet, row setting, def string) {
	flag := set.VarPF(flagValue{def: def, meta: row.meta}, row.name, row.short, row.help)
	if row.meta == "" {
		flag.NoOptDefVal = "true"
	} else if row.bare != "" {
		flag.NoOptDefVal = row.bare
	}
}

// commandLine is the arguments, taken apart but not yet understood.
type commandLine struct {
	variable string              // that holds them; empty: the command line itself
	values   map[string][]string // by long flag, in order
	targets  []string
	behind   map[string]setting // by words that follow an option which may do without
	problems []Problem
	notes    []Note // see Invocation
}

// wholeLine is the source of problems with no option in particular.
const wholeLine = "command line"

// parseCommandLine takes the program's arguments apart.
func parseCommandLine(args []string, inside *Inside) commandLine {
	line := parseOptions(args, "")
	line.checkSwitches()
	line.judgeTargets(args, inside)
	return line
}

// parseOptions takes apart what the command line, or the variable, holds. pflag
// stops at the first error; to find all of them, an unknown flag is noted, made
// known and passed over.
func parseOptions(args []string, variable string) commandLine {
	set := knownFlags()
	line := commandLine{variable: variable, behind: map[string]setting{}}
	args, unknown := line.oneDash(set, args)
	for {
		line.values = map[string][]string{}
		err := set.ParseAll(args, func(flag *pflag.Flag, value string) error {
			line.values[flag.Name] = append(line.values[flag.Name], value)
			return nil
		})
		var notExist *pflag.NotExistError
		if err == nil || !errors.As(err, &notExist) {
			line.stopped(err)
			break
		}
		unknown = true
		if !line.passOver(set, notExist) {
			break
		}
	}
	line.judge()
	line.translate()
	line.unmask()
	wavering := slices.ContainsFunc(foreignOptions, func(o foreignOption) bool { return o.wavers(line.values) })
	if !unknown && (!wavering || set.NArg() < 2) { // else its value looks like a target: what the target is, nobody knows
		line.targets = set.Args()
	}
	return line
}

// knownFlags are all flags: ours, Gunicorn's that have no meaning here, and
// other servers' that are translated.
func knownFlags() *pflag.FlagSet {
	set := pflag.NewFlagSet("gowsgi", pflag.ContinueOnError)
	set.SetNormalizeFunc(normalizer())
	for _, row := range slices.Concat(table(), switches()) {
		if !row.positional {
			addFlag(set, row, "")
		}
	}
	for _, option := range gunicornOptions {
		flag := set.VarPF(flagValue{meta: "VALUE"}, option.name, option.short, "")
		if !option.value {
			flag.NoOptDefVal = noValue
		}
	}
	for _, option := range foreignOptions {
		for _, name := range option.spellings() {
			flag := set.VarPF(flagValue{meta: "VALUE"}, name.long, name.short, "")
			if !option.value || option.optional {
				flag.NoOptDefVal = noValue
			}
		}
	}
	return set
}

// oneDash notes and takes out long flags with one dash, which pflag would
// otherwise take for a letter with its value: -threads for -t hreads. It ties
// the words to their options that may do without: --proxy-protocol off.
func (c *commandLine) oneDash(set *pflag.FlagSet, args []string) (rest []string, found bool) {
	value := false // the argument belongs to the flag before it
	before := ""   // that flag, if it may do without
	for i, arg := range args {
		word, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		switch {
		case value || !strings.HasPrefix(arg, "-"):
			if !value && takesWord(before, arg) {
				rest[len(rest)-1] += "=" + arg
				continue
			}
			if row, known := mayDoWithout(before); known && !value && row.bare != "" {
				c.behind[arg] = row
			}
			value, before = false, ""
		case arg == "--":
			return append(rest, args[i:]...), found
		case strings.HasPrefix(arg, "--"):
			flag := set.Lookup(arg[2:])
			value, before = flag != nil && flag.NoOptDefVal == "", arg
		case len(word) > 1 && set.Lookup(word) != nil:
			if _, foreign := foreignName(word); foreign {
				arg = "-" + arg // it will be said what it is called here
				value = set.Lookup(word).NoOptDefVal == "" && !strings.Contains(arg, "=")
				break
			}
			c.complain(arg, "", "there is no such option; did you mean --"+word+"?")
			found = true
			continue
		default:
			value = lettersWantValue(set, arg[1:])
		}
		rest = append(rest, arg)
	}
	return rest, found
}

// takesWord tells whether a word is the value of the option before it, which
// may do without one. Gunicorn reads any word so; the application is none here.
func takesWord(option, word string) bool {
	row, known := mayDoWithout(option)
	word = strings.ToLower(word)
	return known && (slices.Contains(row.words, word) || slices.Contains(switched, word))
}

// switched are words that nobody means an application by, for an option that is on or
// off: it takes them, or says what it takes.
var switched = []string{"on", "off", "yes", "no", "true", "false"}

// mayDoWithout finds the option, if its value is optional.
func mayDoWithout(option string) (setting, bool) {
	name, long := strings.CutPrefix(strings.ReplaceAll(option, "_", "-"), "--")
	rows := slices.Concat(table(), switches())
	at := slices.IndexFunc(rows, func(row setting) bool {
		return !row.positional && (row.name == name || slices.Contains(row.aliases, name)) && (row.meta == "" || row.bare != "")
	})
	if !long || at < 0 {
		return setting{}, false
	}
	return rows[at], true
}

// lettersWantValue tells whether the value of the last of these letters is the
// next argument.
func lettersWantValue(set *pflag.FlagSet, letters string) bool {
	for i := range len(letters) {
		flag := set.ShorthandLookup(letters[i : i+1])
		if flag == nil {
			return false
		}
		if flag.NoOptDefVal == "" {
			return i == len(letters)-1
		}
	}
	return false
}

// normalizer maps all spellings of a flag to the one in the table: an alias,
// and _ for -, because TOML keys have it and Gunicorn has both.
func normalizer() func(*pflag.FlagSet, string) pflag.NormalizedName {
	names := map[string]string{}
	for _, row := range slices.Concat(table(), switches()) {
		for _, spelling := range append(row.aliases, row.name) {
			names[strings.ReplaceAll(spelling, "_", "-")] = row.name
		}
	}
	for _, option := range gunicornOptions {
		names[option.name] = option.name
	}
	for _, option := range foreignOptions {
		for _, name := range option.spellings() {
			names[name.long] = name.long
		}
	}
	return func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if known, ok := names[strings.ReplaceAll(name, "_", "-")]; ok {
			name = known
		}
		return pflag.NormalizedName(name)
	}
}

// passOver notes an unknown flag and adds it to set, so that parsing gets
// beyond it. It reports whether that was possible.
func (c *commandLine) passOver(set *pflag.FlagSet, err *pflag.NotExistError) bool {
	name, cluster := err.GetSpecifiedName(), err.GetSpecifiedShortnames()
	if cluster == "" {
		message := "there is no such option; gowsgi --help lists them"
		if meant := suggestion(name, flagNames()); meant != "" {
			message = "there is no such option; did you mean --" + meant + "?"
		}
		c.complain("--"+name, "", message)
		set.VarPF(flagValue{}, name, "", "").NoOptDefVal = "true"
		return true
	}
	message := "there is no such option; gowsgi --help lists them"
	if word, _, _ := strings.Cut(cluster, "="); len(word) > 1 {
		if meant := suggestion(word, flagNames()); meant != "" {
			message = "there is no such option; did you mean --" + meant + "?"
		}
	}
	c.complain("-"+cluster, "", message)
	if len(name) != 1 || name[0] >= 0x80 {
		return false // pflag goes by bytes
	}
	// Named so that no argument can spell it. With more letters behind it, it
	// swallows them: those of -threads are no flags of their own.
	flag := set.VarPF(flagValue{meta: "unknown"}, "-"+name, name, "")
	if len(cluster) == 1 {
		flag.NoOptDefVal = "true"
	}
	return true
}

// stopped notes an error that ends parsing.
func (c *commandLine) stopped(err error) {
	var required *pflag.ValueRequiredError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case err == nil:
	case errors.As(err, &required):
		flag := required.GetFlag()
		if _, foreign := foreignName(flag.Name); foreign {
			c.values[flag.Name] = append(c.values[flag.Name], "") // see translate
			return
		}
		c.complain("--"+flag.Name, "", "the value is missing; write --"+flag.Name+" "+flag.Value.Type())
	case errors.As(err, &syntax):
		c.complain(syntax.GetSpecifiedFlag(), "", "is no option; gowsgi --help lists them")
	default:
		c.complain(wholeLine, "", err.Error())
	}
}

func (c *commandLine) complain(source, key, message string) {
	c.problems = append(c.problems, Problem{Source: c.source(source), Key: key, Message: message})
}

// source is how messages name an option, or the whole, of this command line.
func (c *commandLine) source(option string) string {
	switch {
	case c.variable == "":
		return option
	case option == wholeLine:
		return "$" + c.variable
	default:
		return "$" + c.variable + ": " + option
	}
}

// checkSwitches refuses values on switches, and two different actions. An
// action that --help or --version makes pointless is let through.
func (c *commandLine) checkSwitches() {
	for _, row := range switches() {
		for _, value := range c.values[row.name] {
			if row.meta == "" && value != "true" {
				c.complain(row.flag(), "", "takes no value; write "+row.flag()+" or leave it out")
			}
		}
	}
	if len(c.values["check-config"]) > 0 && len(c.values["print-config"]) > 0 {
		c.complain("--check-config", "", "does not go together with --print-config; give one of them")
	}
}

func (c *commandLine) action() Action {
	for _, choice := range []struct {
		name   string
		action Action
	}{{"help", Help}, {"version", Version}, {"print-config", PrintConfig}, {"check-config", CheckConfig}} {
		if len(c.values[choice.name]) > 0 {
			return choice.action
		}
	}
	return Serve
}

// texts is what the command line gives for a setting.
func (c *commandLine) texts(row setting) []string {
	if row.positional {
		return c.targets
	}
	return c.values[row.name]
}

// has tells whether the command line gives what the row's foreign variable would.
// That has one path, which other applications do not take away.
func (c *commandLine) has(row setting) bool {
	texts := c.texts(row)
	if _, ok := row.kind.(mounts); ok {
		texts = slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return strings.Contains(text, "=") })
	}
	return len(texts) > 0
}

// flagNames are all long flags, to guess from.
func flagNames() []string {
	var names []string
	for _, row := range slices.Concat(table(), switches()) {
		if !row.positional {
			names = append(append(names, row.name), row.aliases...)
		}
	}
	return names
}
