package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// foreignCommands are words that other programs want beside the application,
// with what is done about it here; {} is how gowsgi was called. Empty: that is what
// gowsgi does anyway.
var foreignCommands = map[string]string{
	"run": "", "serve": "", "start": "", "start-server": "", "setup-server": "", "runserver": "",
	"help":    "{} has no command help: write {} --help",
	"version": "{} has no command version: write {} --version",
	"check":   "{} has no command check: write {} --check-config and the application",
	"stop":    "the command stop is for a gowsgi that runs, and knows its application: write {} stop",
	"reload":  "the command reload is for a gowsgi that runs, and knows its application: write {} reload",
	"restart": "{} has no command restart: write {} reload, or {} upgrade if the program itself is another by now",
}

// exampleTarget stands where the user named no application.
const exampleTarget = "myproject.wsgi:application"

// judgeTargets leaves one application, or none and the reason. Whether a lone
// word is one, nobody knows before all is read: see checkWord.
func (c *commandLine) judgeTargets(args []string, inside *Inside) {
	meant := c.targets
	if len(meant) == 0 && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		meant = args // there are options that nobody knows here
	}
	if len(meant) < 2 {
		return
	}
	if wrong := inside.judge(meant); wrong != "" {
		c.targets, c.problems = nil, nil // what options there are is the command's
		c.complain(wholeLine, "target", wrong)
		return
	}
	if len(c.targets) < 2 {
		return
	}
	var commands, applications, binds []string
	for _, target := range c.targets {
		switch _, command := foreignCommands[target]; {
		case command:
			commands = append(commands, target)
		case isAddress(target):
			binds = append(binds, target)
		case target != "manage.py": // Django's, which is a program and no application
			applications = append(applications, target)
		}
	}
	message := "one application expected, but there are " + strconv.Itoa(len(c.targets)) + ": " + quoted(c.targets) + "; options are written with --"
	for _, target := range c.targets {
		if row, is := c.behind[target]; is {
			message += "; " + row.flag() + " takes " + row.kind.wants()
		}
	}
	if len(applications) < 2 && len(commands)+len(binds) > 0 {
		message = translation(inside.line(append(applications, exampleTarget)[0]), commands, binds)
	}
	c.complain(wholeLine, "target", message)
	c.targets = nil
}

// translation says how commands and addresses beside an application are
// written here; line is how it is served.
func translation(line string, commands, binds []string) string {
	program, _, _ := strings.Cut(line, " ")
	for _, bind := range binds {
		if isDigits(bind) {
			bind = "127.0.0.1:" + bind
		}
		line += " " + onCommandLine("bind", bind)
	}
	for _, command := range commands {
		if instead := foreignCommands[command]; instead != "" {
			return strings.ReplaceAll(instead, "{}", program)
		}
	}
	if len(commands) > 0 {
		return program + " needs no " + commands[0] + ": write " + line
	}
	return quoted(binds) + " is an address: write " + line
}

func quoted(texts []string) string {
	var all []string
	for _, text := range texts {
		all = append(all, strconv.Quote(text))
	}
	return strings.Join(all, ", ")
}

// isAddress: no callable starts with a digit.
func isAddress(text string) bool {
	_, port, found := cutLast(text, ":")
	return isDigits(text) || found && isDigits(port)
}

func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}

// settingsFiles are how the names of files end that hold settings and no
// application.
var settingsFiles = []string{".ini", ".toml", ".yaml", ".yml", ".xml", ".json", ".conf"}

// checkWord looks at a target that is one only if there is such a module or
// file: run, uwsgi.ini.
func (l *loader) checkWord() {
	target, source := l.settings.Target, l.origin["target"]
	if source == "TARGET" {
		source = wholeLine
	}
	_, command := foreignCommands[target]
	bundled := l.inside.lacks(target) && source == wholeLine
	switch ending := filepath.Ext(target); {
	case source == "" || !command && !bundled && !slices.Contains(settingsFiles, ending) || l.there(target):
	case command:
		l.complain(source, "target", translation(l.inside.line(exampleTarget), []string{target}, nil))
	case bundled && ending == "":
		l.complain(source, "target", shown(target)+" is no application of this bundle, and "+l.inside.noCommand(target))
	case ending == ".toml":
		l.complain(source, "target", shown(target)+" is a file of settings: write gowsgi -c "+ShellWord(target)+", and the application unless the file names it")
	default:
		l.complain(source, "target", shown(target)+" is no application, and gowsgi reads no such settings; name the application, such as gowsgi "+exampleTarget+
			", and write the settings to a TOML file (gowsgi --print-config shows one) for -c")
	}
}

// there tells whether a module is in a folder that the user named, where the
// worker will look for it. What is installed is no application of that name.
func (l *loader) there(module string) bool {
	for _, folder := range append([]string{""}, l.settings.Pythonpath...) {
		for _, file := range []string{module + ".py", filepath.Join(module, "__init__.py")} {
			path := filepath.Join(folder, file)
			if !filepath.IsAbs(path) {
				path = filepath.Join(l.settings.Chdir, path)
			}
			if _, err := l.readFile(path); !errors.Is(err, fs.ErrNotExist) {
				return true
			}
		}
	}
	return false
}

// falseFriend is an option of ours that means something else elsewhere, as its
// value shows.
type falseFriend struct {
	option string
	meant  func(value string) bool
	say    string // {} is the value
}

var falseFriends = []falseFriend{
	{
		"workers", func(value string) bool {
			_, err := strconv.ParseFloat(value, 64)
			return err != nil && strings.ContainsAny(value, ".:")
		},
		"is the number of workers, as in Gunicorn; the application is written without an option: gowsgi {}",
	},
	{"pid", isDigits, "is the file for the process id, as in Gunicorn; for the port write --bind :{}, for the number of workers --workers {}, for a file of that name ./{}"},
	{
		"log-format", func(value string) bool { return strings.Contains(value, "%") },
		"is text or json, of the whole log; for the lines of the access log write --access-logformat",
	},
}

// unmask says of values that mean something else elsewhere what to write, and
// takes them out.
func (c *commandLine) unmask() {
	for _, friend := range falseFriends {
		for _, value := range c.values[friend.option] {
			if friend.meant(value) {
				c.complain("--"+friend.option, "", fill(friend.say, value, nil))
			}
		}
		if values := slices.DeleteFunc(c.values[friend.option], friend.meant); len(values) == 0 {
			delete(c.values, friend.option)
		} else {
			c.values[friend.option] = values
		}
	}
}
