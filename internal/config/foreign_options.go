package config

// foreignOption is an option of uWSGI, Granian, Waitress, uvicorn, Hypercorn,
// mod_wsgi-express, Flask or Django, under a name that neither gowsgi nor
// Gunicorn has. It is refused with the words that say the same here.
type foreignOption struct {
	names    string // with spaces between them; one letter is a short option
	value    bool   // it takes one
	optional bool   // it may do without
	// setting and as are what to write: a setting of ours and its value. In as
	// and say, {} is the value that was given, {host}, {port} and {target} what
	// this and the other options say together.
	setting, as string
	say         string                    // a sentence of its own instead
	odd         func(value string) string // or one that depends on the value
}

const (
	sayAlways  = "gowsgi always does; leave this out"
	sayFound   = "gowsgi finds that out; leave this out"
	sayTarget  = "the application is written without an option: gowsgi {target}"
	sayFactory = "a factory is written with its parentheses: gowsgi 'myproject.wsgi:make()'"
	sayRuntime = "gowsgi has one kind of event loop; leave this out, and write --threads for the threads that run Python"
	sayStatic  = "write --static /path=DIR"
	sayHTTPS   = "write --bind 0.0.0.0:443 --certfile FILE --keyfile FILE, or --server-name example.org to have a certificate obtained"
	saySettled = "gowsgi settles that with each client; leave this out"
	sayForced  = "reasons to replace a worker are --max-requests, --max-lifetime and --max-worker-memory; leave this out"
	sayProxies = "write --forwarded-allow-ips with the proxies' addresses; those on this machine are trusted already"
	sayUmask   = "everybody may connect to a socket's file unless --umask forbids it; leave this out, or write --umask 0007 for the group alone"
	sayIni     = "gowsgi reads no files of uWSGI's; write what {} sets to a TOML file (gowsgi --print-config shows one) and name that with -c"
)

// foreignOptions are those that people are likely to type.
var foreignOptions = []foreignOption{
	// Where to listen.
	{names: "host port", value: true, setting: "bind", as: "{host}:{port}"},
	{names: "listen l", value: true, odd: listenAdvice},
	{names: "http", value: true, odd: httpAdvice},
	{names: "http-socket", value: true, setting: "bind", as: "{}"},
	{names: "uds unix-socket", value: true, setting: "bind", as: "unix:{}"},
	{names: "fd", value: true, setting: "bind", as: "fd://{}"},
	{names: "socket s uwsgi-socket", value: true, odd: socketAdvice},
	{names: "unix-socket-perms uds-permissions chmod-socket C", value: true, optional: true, say: sayUmask},
	{names: "chown-socket", value: true, say: "a socket's file belongs to --user and --group; leave this out"},
	{names: "ipv6", say: "write --bind [::]:8000"},

	// What to serve.
	{names: "module wsgi wsgi-file file app A application entry-point", value: true, say: sayTarget},
	{names: "callable callable-object", value: true, say: sayTarget},
	{names: "factory call", say: sayFactory},
	{names: "interface", value: true, odd: interfaceAdvice},
	{names: "application-type", value: true, say: sayFound},
	{names: "need-app", say: sayAlways},
	{names: "settings", value: true, setting: "env", as: "DJANGO_SETTINGS_MODULE={}"},
	{names: "url-prefix url-path-prefix mount-point", value: true, setting: "mount", as: "{}"},
	{names: "manage-script-name", say: "that is what --mount does; leave this out"},
	{names: "ini xml yaml json", value: true, say: sayIni},
	{names: "plugin plugins", value: true, say: "the worker for the virtualenv's CPython is inside gowsgi; leave this out"},

	// With which Python, where.
	{names: "virtualenv home H pyhome python-home", value: true, setting: "venv", as: "{}"},
	{names: "app-dir python-path pp", value: true, setting: "pythonpath", as: "{}"},
	{names: "working-directory working-dir", value: true, setting: "chdir", as: "{}"},
	{names: "setenv", value: true, say: "write --env NAME=value"},
	{names: "env-file env-files", value: true, say: "gowsgi reads no such file; write --env NAME=value, or let systemd do it with EnvironmentFile={}"},

	// Processes and threads.
	{names: "processes", value: true, setting: "workers", as: "{}"},
	{names: "blocking-threads", value: true, setting: "threads", as: "{}"},
	{names: "enable-threads T with-threads threaded", say: "gowsgi always has threads, --threads of them in each worker; leave this out"},
	{names: "without-threads nothreading", setting: "threads", as: "1"},
	{names: "runtime-threads runtime-mode runtime-blocking-threads loop", value: true, say: sayRuntime},
	{names: "limit-concurrency max-clients backpressure", value: true, setting: "backlog-requests", as: "{}"},
	{names: "master M", say: sayAlways},
	{names: "lazy-apps lazy", say: "each worker loads the application for itself unless --preload is given; leave this out"},
	{names: "die-on-term", say: "SIGTERM always stops gowsgi; leave this out"},
	{names: "vacuum", say: "gowsgi always removes its sockets and its pid file; leave this out"},
	{names: "thunder-lock", say: "workers need no lock to accept; leave this out"},
	{names: "single-interpreter i", say: "a worker has one interpreter; leave this out"},
	{names: "respawn-failed-workers", say: "gowsgi always replaces a worker that dies; leave this out"},
	{names: "cheaper", value: true, say: "the number of workers stays what --workers says; leave this out, or send SIGTTIN and SIGTTOU"},

	// Deadlines, limits, replacing.
	{names: "harakiri request-timeout", value: true, setting: "timeout", as: "{}"},
	{names: "timeout-keep-alive keepalive keepalive-timeout keep-alive-timeout", value: true, setting: "keep-alive", as: "{}"},
	{names: "channel-timeout socket-timeout", value: true, setting: "body-timeout", as: "{}"},
	{
		names: "timeout-graceful-shutdown shutdown-timeout reload-mercy worker-reload-mercy workers-kill-timeout",
		value: true, setting: "graceful-timeout", as: "{}",
	},
	{names: "limit-max-requests maximum-requests", value: true, setting: "max-requests", as: "{}"},
	{names: "max-worker-lifetime workers-lifetime", value: true, setting: "max-lifetime", as: "{}"},
	{names: "reload-on-rss evil-reload-on-rss workers-max-rss", value: true, setting: "max-worker-memory", as: "{}M"},
	{names: "restart-interval", value: true, say: sayForced},
	{names: "max-request-body-size limit-post client-max-body-size max-body max-body-size", value: true, setting: "limit-request-body", as: "{}"},
	{names: "buffer-size max-request-header-size", value: true, setting: "limit-request-field_size", as: "{}"},
	{names: "limit-conn max-connections-per-ip", value: true, setting: "max-connections-per-address", as: "{}"},
	{names: "limit-req rate-limit", value: true, say: "write --limit-rate 10/s, and --limit-rate-burst N"},
	{names: "post-buffering", value: true, setting: "request-buffer", as: "{}"},

	// Proxies and protocols.
	{names: "enable-proxy-protocol", setting: "proxy-protocol", as: "v1"},
	{names: "trusted-proxy set-real-ip-from", value: true, setting: "forwarded-allow-ips", as: "{}"},
	{names: "trust-proxy trust-proxy-header trusted-proxy-headers", value: true, say: sayProxies},
	{names: "real-ip-header", value: true, say: sayProxies + ", and --forwarded-fields with what they set"},
	{names: "proxy-headers no-proxy-headers", say: sayProxies},
	{names: "url-scheme", value: true, say: "the proxy in front says so with X-Forwarded-Proto: {}; leave this out"},
	{names: "ws", value: true, say: "websockets are for ASGI, and gowsgi serves WSGI; leave this out"},
	{names: "no-ws", say: "gowsgi has no websockets; leave this out"},
	{names: "lifespan", value: true, say: reasonASGI + "; leave this out"},
	{names: "http1-only http2 no-http2", say: saySettled},
	{names: "https https-port", value: true, say: sayHTTPS},
	{names: "ssl tls", value: true, optional: true, say: sayHTTPS},
	{names: "acme letsencrypt lets-encrypt certbot", value: true, optional: true, say: "write --server-name example.org: its certificate is obtained and renewed"},
	{names: "domain domains", value: true, setting: "server-name", as: "{}"},
	{names: "email letsencrypt-email", value: true, setting: "acme-email", as: "{}"},
	{
		names: "redirect http-redirect https-redirect ssl-redirect redirect-https https-only force-https", value: true, optional: true,
		say: "write --redirect-http 80: requests to that port are sent to https",
	},
	{names: "ssl-certfile ssl-certificate ssl-certificate-file cert ssl-cert tls-cert tls-certificate tls-certfile cert-file", value: true, setting: "certfile", as: "{}"},
	{names: "ssl-keyfile ssl-certificate-key-file key ssl-key ssl-certificate-key tls-key tls-keyfile key-file", value: true, setting: "keyfile", as: "{}"},
	{names: "ssl-ca-certs ssl-ca", value: true, setting: "ca-certs", as: "{}"},
	{names: "ssl-cert-reqs", value: true, say: "write --cert-reqs {}, which is 0, 1 or 2, or none, optional or required"},
	{names: "static-map", value: true, say: "write --static {}"},
	{names: "static-path-mount static-path-route url-alias", value: true, say: sayStatic},
	{names: "static-root static-dir static-folder static-url-path", value: true, say: sayStatic},
	{names: "check-static root webroot docroot", value: true, setting: "document-root", as: "{}"},
	{names: "directory-index", value: true, setting: "static-index", as: "{}"},
	{names: "static-expires", value: true, say: "write --static-max-age SECONDS"},
	{names: "stats", value: true, optional: true, setting: "metrics", as: "127.0.0.1:9100"},

	{names: "compress-responses http-auto-gzip", say: "write --compress"},
	{names: "gzip compression", value: true, optional: true, say: "write --compress"},
	{names: "auth-basic-user-file htpasswd", value: true, setting: "basic-auth", as: "{}"},

	{names: "add-header header", value: true, say: "write --add-field 'NAME: VALUE'"},
	{names: "del-header", value: true, setting: "remove-field", as: "{}"},
	{names: "server-header no-server-header", say: "a response has no Server field unless --add-field adds one; leave this out"},

	// Logs.
	{names: "access-log", value: true, optional: true, odd: accessLogAdvice},
	{names: "no-access-log disable-logging L", say: "there is no access log unless --access-logfile names one; leave this out"},
	{names: "access-log-fmt access-log-format logformat", value: true, setting: "access-logformat", as: "{}"},
	{names: "error-log logto", value: true, setting: "error-logfile", as: "{}"},
	{names: "log-to-terminal", say: "the log goes to standard error unless --error-logfile names a file; leave this out"},

	// Who, and as what.
	{names: "uid", value: true, setting: "user", as: "{}"},
	{names: "gid", value: true, setting: "group", as: "{}"},
	{names: "pidfile pid-file", value: true, setting: "pid", as: "{}"},
	{names: "process-name procname procname-master", value: true, setting: "name", as: "{}"},
	{
		names: "daemonize d daemonize2", value: true, optional: true,
		say: "gowsgi stays in the foreground; let systemd or another supervisor run it, and leave this out",
	},

	// Development.
	{names: "reload-on-changes auto-reload", say: "write --reload"},
	{names: "py-autoreload", value: true, optional: true, say: "write --reload"},
	{names: "noreload no-reload", say: "code is loaded anew only with --reload; leave this out"},
	{names: "touch-reload reload-dir reload-include reload-paths extra-files", value: true, setting: "reload-extra-file", as: "{}"},
	{names: "no-debug no-debugger", say: "there is no debugger unless --debug asks for one; leave this out"},
	{names: "expose-tracebacks", say: "a response never shows a traceback, the log always has it; leave this out"},

	{names: "V", say: "the versions are written by gowsgi --version"},
}
