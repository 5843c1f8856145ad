package config

import "time"

// Settings are gowsgi's effective settings. Sizes are bytes. Ranges, defaults
// and meanings stand in the table (table.go); what [Load] returns keeps to
// them. An empty list is nil.
//
// A relative path counts from Chdir, or from the directory that gowsgi was
// started in when Chdir is empty. Chdir itself and Venv always count from the
// latter, also when a file in another directory sets them.
type Settings struct {
	Target string `json:"target"` // module:callable, module:make() or a .py/.wsgi file

	Mount string `json:"mount"` // a path without a slash at the end; empty is the root

	Bind            []string `json:"bind"`    // host:port, [v6]:port, :port or unix:PATH, and no other form
	Backlog         int      `json:"backlog"` // connections that the kernel keeps for us
	Workers         int      `json:"workers"`
	Threads         int      `json:"threads"`
	BacklogRequests int      `json:"backlog_requests"` // requests that may wait for a Python thread, per worker

	Chdir      string   `json:"chdir"`
	Pythonpath []string `json:"pythonpath"`
	Venv       string   `json:"venv"`
	Env        []string `json:"env"` // NAME=value

	KeepAlive       time.Duration `json:"keep_alive"`       // 0: a connection is closed after each response
	HeaderTimeout   time.Duration `json:"header_timeout"`   // a client has this long to send its request line and headers
	GracefulTimeout time.Duration `json:"graceful_timeout"` // 0: what is running is not waited for

	LimitRequestLine      int   `json:"limit_request_line"` // 0: no limit
	LimitRequestFields    int   `json:"limit_request_fields"`
	LimitRequestFieldSize int   `json:"limit_request_field_size"` // 0: no limit
	LimitRequestBody      int64 `json:"limit_request_body"`       // 0: no limit
	RequestBuffer         int   `json:"request_buffer"`           // bodies up to this are read before a thread is taken
	ResponseBuffer        int   `json:"response_buffer"`          // an iterator may be this far ahead of its client

	ForwardedAllowIPs []string `json:"forwarded_allow_ips"` // addresses, networks or, alone, *

	LogLevel        string `json:"log_level"`        // debug, info, warning, error or critical
	ErrorLogfile    string `json:"error_logfile"`    // - is standard error
	AccessLogfile   string `json:"access_logfile"`   // - is standard output, empty is none
	AccessLogformat string `json:"access_logformat"` // text and %(atom)s
	Pid             string `json:"pid"`              // empty is none
}

// Defaults returns the settings that hold where the user says nothing.
func Defaults() Settings {
	var s Settings
	for _, row := range table() {
		if err := row.kind.parse(&s, []string{row.def}); err != nil {
			panic("config: the default of " + row.key() + ": " + err.Error()) // the table is wrong; a test holds it right
		}
	}
	return s
}
