package config

import "strings"

// Option is an option of the command line, for manuals and for shells that
// complete it.
type Option struct {
	Name, Short string // without dashes; Short may be empty
	Meta        string // what its value is called; empty: it takes none
	Group       string // the heading it stands under
	Help, More  string
	Default     string
	Variable    string   // of the environment; empty: none
	Words       []string // all values that it can have, if they are few
}

// Options are all options: settings, then what says what to do.
func Options() []Option {
	var all []Option
	for _, row := range table() {
		if row.positional {
			continue
		}
		option := Option{
			Name: row.name, Short: row.short, Meta: row.meta, Group: row.group, Help: row.help, More: row.more,
			Default: row.def, Variable: row.variable(),
		}
		if k, ok := row.kind.(scalar[string]); ok {
			option.Words = k.words
		}
		if option.Meta == "" && option.Default == "false" {
			option.Default = ""
		}
		all = append(all, option)
	}
	for _, row := range switches() {
		all = append(all, Option{Name: row.name, Short: row.short, Meta: row.meta, Group: groupOther, Help: row.help})
	}
	return all
}

// IsPath tells whether the value is a file or a folder, or several.
func (o Option) IsPath() bool {
	return o.Meta == "FILE" || o.Meta == "GLOB" || o.IsFolder()
}

// IsFolder tells whether the value is a folder.
func (o Option) IsFolder() bool { return strings.HasPrefix(o.Meta, "DIR") }
