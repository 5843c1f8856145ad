package config

// gunicornOption is an option of Gunicorn's (27.0.1) that no setting answers
// to. Most can be passed over with a note, so that existing command lines work;
// those that would then be missed are refused.
type gunicornOption struct {
	name, short string
	key         string   // in a gunicorn.conf.py, where it is another one
	value       bool     // it takes a value
	note        string   // why it can be passed over
	refuse      string   // why it cannot, and the way out
	harmless    []string // values with which it can all the same
	harmful     []string // if there are any: only values with such a part are refused
	warn        bool     // the application or its operator may notice that it is passed over
	tame        []string // but not with these values
}

const (
	reasonLogging = "use --log-format, --log-level and --error-logfile instead"
	reasonStats   = "gowsgi sends no statistics"
	reasonParser  = "requests are read by the letter of RFC 9112"
	reasonASGI    = "it is for ASGI, and gowsgi serves WSGI"
	reasonDirty   = "gowsgi has no dirty workers"
	reasonControl = "gowsgi is controlled with signals"

	refusePaste = "gowsgi reads no Paste files; name a factory that does, such as module:make(), as the application"
)

var gunicornOptions = []gunicornOption{
	{
		name: "worker-class", short: "k", value: true, note: "gowsgi always runs a pool of threads", warn: true, tame: []string{"sync", "gthread"},
		refuse:  "gowsgi serves WSGI, and such workers are for ASGI; name the WSGI application and leave this out",
		harmful: []string{"asgi", "uvicorn", "Uvicorn"},
	},
	{name: "worker-connections", value: true, note: "connections hold no thread; --backlog-requests limits the requests that wait for one"},
	{name: "no-sendfile", key: "sendfile", note: "files of wsgi.file_wrapper are always sent with sendfile(2)"},
	{name: "spew", note: "gowsgi does not trace the application"},
	{name: "reload-engine", value: true, note: "the system tells gowsgi which files change"},
	{name: "enable-stdio-inheritance", short: "R", note: "gowsgi keeps the streams that it is started with"},
	{name: "daemon", short: "D", refuse: "gowsgi stays in the foreground; let systemd or another supervisor run it, and leave this out"},

	{name: "disable-redirect-access-to-syslog", note: "the access log never goes to syslog"},
	{name: "log-syslog-prefix", key: "syslog_prefix", value: true, note: "records are tagged gowsgi"},
	{name: "log-config", key: "logconfig", value: true, warn: true, note: reasonLogging},
	{name: "log-config-json", key: "logconfig_json", value: true, warn: true, note: reasonLogging},
	{name: "log-config-dict", key: "logconfig_dict", value: true, warn: true, note: reasonLogging},
	{name: "logger-class", value: true, warn: true, note: reasonLogging},
	{name: "enable-backlog-metric", note: reasonStats},

	{name: "secure-scheme-headers", value: true, warn: true, note: "X-Forwarded-Proto, X-Forwarded-Protocol and X-Forwarded-Ssl are known, from --forwarded-allow-ips"},
	{name: "forwarder-headers", value: true, warn: true, note: "a header never becomes a variable of the environ without HTTP_"},
	{name: "header-map", value: true, warn: true, tame: []string{"drop", "refuse"}, note: "headers with _ in their names are always left out"},
	{name: "permit-obsolete-folding", warn: true, note: reasonParser},
	{name: "strip-header-spaces", warn: true, note: reasonParser},
	{name: "permit-unconventional-http-method", warn: true, note: reasonParser},
	{name: "permit-unconventional-http-version", warn: true, note: reasonParser},
	{name: "casefold-http-method", warn: true, note: reasonParser},
	{name: "http-parser", value: true, note: "gowsgi has one parser"},
	{name: "http2-max-header-list-size", value: true, note: "--limit-request-head and --limit-request-fields hold for HTTP/2 as well"},
	{
		name: "protocol", value: true, note: "gowsgi speaks HTTP", harmless: []string{"http"},
		refuse: "gowsgi speaks HTTP only; have the proxy speak it (in nginx: proxy_pass for uwsgi_pass), and leave this out",
	},
	{name: "uwsgi-allow-from", key: "uwsgi_allow_ips", value: true, note: "gowsgi speaks HTTP only"},

	{name: "ssl-context", value: true, refuse: "gowsgi makes its TLS of --certfile, --keyfile, --ca-certs and --cert-reqs; write these instead"},
	{name: "ssl-version", value: true, warn: true, note: "gowsgi speaks TLS 1.3 and 1.2"},
	{name: "ciphers", value: true, warn: true, note: "gowsgi offers those suites of TLS 1.3 and 1.2 that are held to be safe"},
	{name: "suppress-ragged-eofs", note: "a client that leaves without a word has left"},
	{name: "do-handshake-on-connect", note: "handshakes hold no thread"},

	{name: "paste", value: true, refuse: refusePaste},
	{name: "paster", value: true, refuse: refusePaste},
	{name: "paste-global", key: "raw_paste_global_conf", value: true, refuse: refusePaste},
	{name: "root-path", value: true, note: reasonASGI + "; --mount says where an application is mounted"},
	{name: "asgi-loop", value: true, note: reasonASGI},
	{name: "asgi-lifespan", value: true, note: reasonASGI},
	{name: "asgi-disconnect-grace-period", value: true, note: reasonASGI},
	{name: "websocket-max-message-size", value: true, note: reasonASGI},
	{name: "dirty-app", key: "dirty_apps", value: true, refuse: "gowsgi has no dirty workers; run what they do in a program of its own, and leave this out"},
	{name: "dirty-workers", value: true, note: reasonDirty},
	{name: "dirty-timeout", value: true, note: reasonDirty},
	{name: "dirty-threads", value: true, note: reasonDirty},
	{name: "dirty-graceful-timeout", value: true, note: reasonDirty},
	{name: "control-socket", value: true, note: reasonControl},
	{name: "control-socket-mode", value: true, note: reasonControl},
	{name: "no-control-socket", key: "control_socket_disable", note: reasonControl},
	{name: "tmp-upload-dir", value: true, note: "--worker-tmp-dir says where large bodies are kept"},
}

// hooksLikeGunicorns are what does the same in an application.
var hooksLikeGunicorns = map[string]string{
	"post_fork": "gowsgi.on_worker_start", "post_worker_init": "gowsgi.on_worker_start", "worker_exit": "gowsgi.on_worker_stop",
}

// gunicornHooks are the functions that a gunicorn.conf.py can define.
var gunicornHooks = []string{
	"on_starting", "on_reload", "when_ready", "pre_fork", "post_fork", "post_worker_init", "worker_int", "worker_abort",
	"pre_exec", "pre_request", "post_request", "child_exit", "worker_exit", "nworkers_changed", "on_exit",
	"on_dirty_starting", "dirty_post_fork", "dirty_worker_init", "dirty_worker_exit",
}
