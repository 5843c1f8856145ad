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

	Mount        string   `json:"mount"`         // of Target: a path without a slash at the end; empty is the root
	Mounts       []Mount  `json:"mounts"`        // other applications
	AllowedHosts []string `json:"allowed_hosts"` // names in lower case, see hostName; or, alone, *; none: all

	Bind                     []string `json:"bind"`    // host:port, [v6]:port, :port, unix:PATH or fd://N, and no other form
	Backlog                  int      `json:"backlog"` // connections that the kernel keeps for us
	Umask                    string   `json:"umask"`   // four octal digits; empty: as inherited
	ReusePort                bool     `json:"reuse_port"`
	Workers                  int      `json:"workers"`
	Threads                  int      `json:"threads"`
	BacklogRequests          int      `json:"backlog_requests"` // requests that may wait for a Python thread, per worker
	MaxConnections           int      `json:"max_connections"`
	MaxConnectionsPerAddress int      `json:"max_connections_per_address"` // 0: any number
	Preload                  bool     `json:"preload"`
	PreloadThreads           bool     `json:"preload_threads"` // even if the application starts threads while it is loaded

	Certfile     []string      `json:"certfile"` // none, and no ServerName: no TLS
	Keyfile      []string      `json:"keyfile"`  // one for each of Certfile, or none: in the same files
	CACerts      string        `json:"ca_certs"`
	CertReqs     string        `json:"cert_reqs"`     // none, optional or required
	RedirectHTTP int           `json:"redirect_http"` // a port; 0: none
	HSTS         time.Duration `json:"hsts"`          // 0: none

	ServerName    []string `json:"server_name"`    // certificates are obtained for them
	ACMEEmail     string   `json:"acme_email"`     // empty: none
	ACMEDirectory string   `json:"acme_directory"` // a URL
	ACMEStorage   string   `json:"acme_storage"`   // a folder; empty: the usual one

	Chdir      string   `json:"chdir"`
	Pythonpath []string `json:"pythonpath"`
	Venv       string   `json:"venv"`
	BundleDir  string   `json:"bundle_dir"` // of a bundle only; empty: one of the usual places
	Env        []string `json:"env"`        // NAME=value

	MaxRequests       int           `json:"max_requests"` // 0: no such limit; the same for the next three
	MaxRequestsJitter int           `json:"max_requests_jitter"`
	MaxLifetime       time.Duration `json:"max_lifetime"`
	MaxLifetimeJitter time.Duration `json:"max_lifetime_jitter"`
	MaxWorkerMemory   int64         `json:"max_worker_memory"`
	SurplusTimeout    time.Duration `json:"surplus_timeout"` // 0: surplus workers stay
	StartLimit        int           `json:"start_limit"`     // 0: never give up
	Warmup            string        `json:"warmup"`          // a path or a URL; empty: none

	Timeout         time.Duration `json:"timeout"`          // 0: none, as with all timeouts but header_timeout
	TimeoutGrace    time.Duration `json:"timeout_grace"`    // between RequestTimeout and the worker's end
	QueueTimeout    time.Duration `json:"queue_timeout"`    // a request may wait this long for a thread
	BodyTimeout     time.Duration `json:"body_timeout"`     // to send a body, and 1 s more for each MinRate bytes
	WriteTimeout    time.Duration `json:"write_timeout"`    // to take a block, and 1 s more for each MinRate bytes
	MinRate         int           `json:"min_rate"`         // bytes per second
	StartupTimeout  time.Duration `json:"startup_timeout"`  // to load the application and pass Warmup
	DeadlockTimeout time.Duration `json:"deadlock_timeout"` // without anybody getting the GIL
	KeepAlive       time.Duration `json:"keep_alive"`       // 0: a connection is closed after each response
	HeaderTimeout   time.Duration `json:"header_timeout"`   // a client has this long to send its request line and headers
	GracefulTimeout time.Duration `json:"graceful_timeout"` // 0: what is running is not waited for

	LimitRequestLine      int   `json:"limit_request_line"` // 0: no limit
	LimitRequestFields    int   `json:"limit_request_fields"`
	LimitRequestHead      int   `json:"limit_request_head"`
	LimitRequestFieldSize int   `json:"limit_request_field_size"` // 0: no limit
	LimitRequestBody      int64 `json:"limit_request_body"`       // 0: no limit
	RequestBuffer         int   `json:"request_buffer"`           // bodies up to this are read into memory before a thread is taken
	RequestMemory         int64 `json:"request_memory"`           // for all of these in a worker together
	RequestSpool          int64 `json:"request_spool"`            // larger ones up to this into a file; 0: they stream
	ResponseBuffer        int   `json:"response_buffer"`          // an iterator may be this far ahead of its client in memory
	ResponseSpool         int64 `json:"response_spool"`           // and this much further in a file; 0: not at all
	SpoolLimit            int64 `json:"spool_limit"`              // of all temporary files of a worker; 0: no limit

	WorkerTmpDir string `json:"worker_tmp_dir"` // empty: $TMPDIR or /tmp

	Allow          []string `json:"allow"`            // addresses, networks, unix or, alone, *
	Deny           []string `json:"deny"`             // the same
	LimitRate      string   `json:"limit_rate"`       // what ParseRate reads; empty: no limit
	LimitRateBurst int      `json:"limit_rate_burst"` // 0: what comes in ten seconds
	LimitRateBy    string   `json:"limit_rate_by"`    // a field; empty: by address
	BasicAuth      string   `json:"basic_auth"`       // a file; empty: nobody is asked
	BasicAuthRealm string   `json:"basic_auth_realm"`

	Compress        bool     `json:"compress"`
	CompressTypes   []string `json:"compress_types"` // text/html, text/*, or common
	CompressMinSize int64    `json:"compress_min_size"`
	CompressLevel   int      `json:"compress_level"`
	CompressCookies bool     `json:"compress_cookies"`

	AddField    []string `json:"add_field"`    // NAME: VALUE
	RemoveField []string `json:"remove_field"` // names
	ErrorPage   []string `json:"error_page"`   // statuses=FILE; see SplitErrorPage

	HTTPProtocols             []string `json:"http_protocols"`  // h2, h1: with TLS, the first that a client knows
	HTTP2Cleartext            string   `json:"http2_cleartext"` // Off or PriorKnowledge
	HTTP2MaxConcurrentStreams int      `json:"http2_max_concurrent_streams"`
	HTTP2InitialWindowSize    int      `json:"http2_initial_window_size"`
	HTTP2MaxFrameSize         int      `json:"http2_max_frame_size"`

	ForwardedAllowIPs  []string `json:"forwarded_allow_ips"` // addresses, networks, unix or, alone, *
	ForwardedFields    []string `json:"forwarded_fields"`    // for, proto, host, port, prefix, forwarded
	ForwardedUntrusted string   `json:"forwarded_untrusted"` // keep, remove or auto
	ProxyProtocol      string   `json:"proxy_protocol"`      // off, v1, v2 or auto
	ProxyAllowFrom     []string `json:"proxy_allow_from"`    // as ForwardedAllowIPs

	Static          []string      `json:"static"`           // /path=DIR, or django; see Mapping
	DocumentRoot    string        `json:"document_root"`    // empty: none
	StaticIndex     []string      `json:"static_index"`     // names
	StaticMaxAge    time.Duration `json:"static_max_age"`   // 0: they are asked about
	StaticImmutable string        `json:"static_immutable"` // auto or never
	StaticSymlinks  string        `json:"static_symlinks"`  // inside, never or anywhere
	StaticListing   bool          `json:"static_listing"`
	SendfileRoot    []string      `json:"sendfile_root"` // DIR or /prefix=DIR

	LogLevel             string        `json:"log_level"`              // debug, info, warning, error or critical
	LogFormat            string        `json:"log_format"`             // text or json
	Color                string        `json:"color"`                  // auto, always or never
	ErrorLogfile         string        `json:"error_logfile"`          // - is standard error
	AccessLogfile        string        `json:"access_logfile"`         // - is standard output, empty is none
	AccessLogformat      string        `json:"access_logformat"`       // what ParseAccessFormat reads
	SlowRequestThreshold time.Duration `json:"slow_request_threshold"` // 0: no request is slow
	CaptureOutput        bool          `json:"capture_output"`
	LogSyslog            bool          `json:"log_syslog"`
	LogSyslogTo          string        `json:"log_syslog_to"` // unix://PATH, udp://HOST:PORT or tcp://HOST:PORT
	LogSyslogFacility    string        `json:"log_syslog_facility"`

	User       string `json:"user"` // a name or a number; empty: whoever starts gowsgi
	Group      string `json:"group"`
	Initgroups bool   `json:"initgroups"`
	Name       string `json:"name"` // in process titles; empty: Target
	Pid        string `json:"pid"`  // empty is none

	Control         string        `json:"control"` // unix:PATH, empty for the usual place, or Off
	Metrics         string        `json:"metrics"` // host:port; empty: none
	MetricsPath     string        `json:"metrics_path"`
	MetricsAllowIPs []string      `json:"metrics_allow_ips"` // addresses, networks or, alone, *
	HealthPath      string        `json:"health_path"`
	StatsdHost      string        `json:"statsd_host"` // host:port or unix:PATH; empty: none
	StatsdPrefix    string        `json:"statsd_prefix"`
	DogstatsdTags   string        `json:"dogstatsd_tags"`
	ShutdownDelay   time.Duration `json:"shutdown_delay"`

	RequestIDHeader string `json:"request_id_header"` // of responses; empty: none
	Traceparent     bool   `json:"traceparent"`       // requests without one get one
	ServerTiming    bool   `json:"server_timing"`

	Reload          bool     `json:"reload"`
	ReloadExtraFile []string `json:"reload_extra_file"` // paths and patterns
	Debug           bool     `json:"debug"`
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
