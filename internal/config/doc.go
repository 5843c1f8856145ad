// Package config turns what the user wrote — the command line, environment
// variables, a TOML file — into [Settings], or into [Problems] that say all
// that is wrong with it.
//
// One table (table.go) describes every setting once: its name, where it may
// be given, its type and range, its default, and the words that explain it.
// Flags, environment variables, TOML keys, --help, --print-config and the
// config.toml at the top of the tree are all made from it, so they cannot
// disagree. To add a setting: a field in [Settings], a row in the table, and
//
//	go test ./internal/config -run ConfigFile -update
//
// Precedence, weakest first: built-in default, file, what platforms set
// ($PORT), $GUNICORN_CMD_ARGS, our own environment, command line. A list that is given in one place replaces the weaker one whole.
//
// Every value is checked where it is given, also when something stronger
// overrides it: a wrong line in the file is wrong today, not on the day the
// flag that hides it is dropped.
//
// Options that only Gunicorn has are passed over with a note, or refused where
// they would be missed (gunicorn_options.go). Those of other servers are refused
// with the words that say the same here (foreign_options.go): a start that fails
// with the way out is better than a guess at what they meant.
//
// The package reads nothing by itself (see [Load]), keeps no state, and
// depends on the standard library, pflag, go-shellquote and BurntSushi/toml,
// on package certs for what its settings are called, and on scarcity.
package config
