// Package config holds gowsgi's settings: their defaults, and how a TOML file,
// the environment and the command line change them.
package config

import "time"

// Settings are gowsgi's effective settings. Sizes are bytes.
type Settings struct {
	Target string `toml:"target" json:"target"` // module:callable, module:make() or a .py/.wsgi file

	Bind            []string `toml:"bind" json:"bind"` // host:port, [v6]:port, :port, unix:/path
	Backlog         int      `toml:"backlog" json:"backlog"`
	Workers         int      `toml:"workers" json:"workers"`
	Threads         int      `toml:"threads" json:"threads"`
	BacklogRequests int      `toml:"backlog_requests" json:"backlog_requests"` // requests that may wait for a Python thread

	Chdir      string   `toml:"chdir" json:"chdir"`
	Pythonpath []string `toml:"pythonpath" json:"pythonpath"`
	Venv       string   `toml:"venv" json:"venv"`
	Env        []string `toml:"env" json:"env"` // NAME=value

	KeepAlive       time.Duration `toml:"keep_alive" json:"keep_alive"`
	HeaderTimeout   time.Duration `toml:"header_timeout" json:"header_timeout"` // a client has this long to send its request line and headers
	GracefulTimeout time.Duration `toml:"graceful_timeout" json:"graceful_timeout"`

	LimitRequestLine      int   `toml:"limit_request_line" json:"limit_request_line"`
	LimitRequestFields    int   `toml:"limit_request_fields" json:"limit_request_fields"`
	LimitRequestFieldSize int   `toml:"limit_request_field_size" json:"limit_request_field_size"`
	LimitRequestBody      int64 `toml:"limit_request_body" json:"limit_request_body"` // 0: no limit
	RequestBuffer         int   `toml:"request_buffer" json:"request_buffer"`         // bodies up to this are read before a thread is taken
	ResponseBuffer        int   `toml:"response_buffer" json:"response_buffer"`       // an iterator may be this far ahead of its client

	ForwardedAllowIPs []string `toml:"forwarded_allow_ips" json:"forwarded_allow_ips"` // addresses, networks or *

	LogLevel        string `toml:"log_level" json:"log_level"`
	ErrorLogfile    string `toml:"error_logfile" json:"error_logfile"`   // - is standard error
	AccessLogfile   string `toml:"access_logfile" json:"access_logfile"` // - is standard output, empty is none
	AccessLogformat string `toml:"access_logformat" json:"access_logformat"`
	Pid             string `toml:"pid" json:"pid"`
}
