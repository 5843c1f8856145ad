package config

import (
	"slices"
	"strings"
)

// setting is one row of the table: everything there is to know about one
// field of [Settings].
type setting struct {
	name       string   // the long flag without its dashes, Gunicorn's spelling
	short      string   // the one-letter flag, if Gunicorn has one
	aliases    []string // other long flags for the same, Gunicorn's again
	positional bool     // given as an argument, not as a flag
	group      string   // the heading it stands under
	meta       string   // what --help calls the value
	kind       kind     // type, range and field
	def        string   // default, written as on the command line
	help       string   // one sentence, for --help and config.toml
	more       string   // what else config.toml says about it

	// env is a variable that hosting platforms set and Gunicorn honours. It
	// is weaker than $GOWSGI_…, and envText makes the setting's text of it.
	env     string
	envText func(string) string

	// gunicorn is the name in a gunicorn.conf.py where it is another one:
	// whoever carries it over into TOML is told the name it has here.
	gunicorn string

	// bare is the value that the flag has without one, and words are what it takes for
	// a value behind a blank then: anything else is the application.
	bare  string
	words []string
}

// key is the name of the setting in a TOML file.
func (s setting) key() string { return strings.ReplaceAll(s.name, "-", "_") }

// variable is the name of the setting in the environment.
func (s setting) variable() string { return variablePrefix + strings.ToUpper(s.key()) }

// flag is how messages name the setting on the command line.
func (s setting) flag() string {
	if s.positional {
		return strings.ToUpper(s.name)
	}
	return "--" + s.name
}

// The headings of --help and config.toml.
const (
	groupApplication = "Application"
	groupPython      = "Python"
	groupMounts      = "Mounts and hosts"
	groupListening   = "Listening"
	groupTLS         = "TLS"
	groupACME        = "Certificates that gowsgi obtains"
	groupWorkers     = "Workers"
	groupRecycling   = "Replacing workers"
	groupTimeouts    = "Timeouts"
	groupLimits      = "Limits"
	groupAccess      = "Access"
	groupCompression = "Compression"
	groupResponses   = "Responses"
	groupProxies     = "Proxies"
	groupFiles       = "Files"
	groupLogging     = "Logging"
	groupIdentity    = "Identity"
	groupDevelopment = "Development"
	groupOperating   = "Operating"
	groupOther       = "Other"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// combinedLog is Gunicorn's default access log format, which is Apache's
// "combined".
const combinedLog = `%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"`

// table returns all settings, in the order in which people read them; the
// rows of a group stand together. They are in the files rows_….go.
func table() []setting {
	return slices.Concat(
		applicationRows(), mountRows(), listeningRows(), tlsRows(), acmeRows(), workerRows(), recyclingRows(), timeoutRows(),
		limitRows(), accessRows(), compressionRows(), responseRows(), http2Rows(), proxyRows(), fileRows(), loggingRows(), identityRows(), operatingRows(), developmentRows(),
	)
}
