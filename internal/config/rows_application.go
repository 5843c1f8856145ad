package config

import "math"

// applicationRows say what is served, with which Python.
func applicationRows() []setting {
	return []setting{
		{
			name: "target", group: groupApplication, positional: true, gunicorn: "wsgi_app",
			kind: path(func(s *Settings) *string { return &s.Target }, "one line of text"),
			help: "The application: module:callable, a factory module:make(), or a .py or .wsgi file.",
			more: "Without a callable, application is tried, then app.",
		},
		{
			name: "chdir", group: groupApplication, meta: "DIR",
			kind: path(func(s *Settings) *string { return &s.Chdir }, "a directory, as one line of text"),
			help: "Change to this directory first; relative paths count from it.",
			more: "Empty: the directory that gowsgi is started in. The paths of -c, venv and chdir itself always count from that one.",
		},
		{
			name: "env", short: "e", group: groupApplication, meta: "NAME=value", gunicorn: "raw_env",
			kind: list{field: func(s *Settings) *[]string { return &s.Env }, item: environmentEntry, want: "NAME=value"},
			help: "Set an environment variable for the application; may be repeated.",
			more: "In $GOWSGI_ENV: one NAME=value a line.",
		},
		{
			name: "venv", group: groupPython, meta: "DIR",
			kind: path(func(s *Settings) *string { return &s.Venv }, "a directory, as one line of text"),
			help: "The application's virtualenv.",
			more: "Empty: the one that gowsgi was installed in by pip, else $VIRTUAL_ENV, else .venv in the application's folder if there is no other in it, else the python3 on PATH. The record gowsgi.starting says which.",
		},
		{
			name: "pythonpath", group: groupPython, meta: "DIRS",
			kind: list{field: func(s *Settings) *[]string { return &s.Pythonpath }, item: somePath, want: "a directory", commas: true},
			help: "Directories to put in front of sys.path, with commas between them.",
		},
		{
			name: "bundle-dir", group: groupPython, meta: "DIR",
			kind: path(func(s *Settings) *string { return &s.BundleDir }, "a directory, as one line of text"),
			help: "Where an executable that gowsgi build has made unpacks its site.",
			more: "Empty: systemd's $CACHE_DIRECTORY, else /var/cache/gowsgi/sites for root and gowsgi/sites in the user's cache for others, else gowsgi-UID in $TMPDIR, /var/tmp, /tmp or /dev/shm; the first that is this user's own, can be written and executed from, and has room. Counts from the directory that it is started in.",
		},
	}
}

// listeningRows say where.
func listeningRows() []setting {
	return []setting{
		{
			name: "bind", short: "b", group: groupListening, meta: "ADDRESS", def: "127.0.0.1:8000",
			env: "PORT", envText: func(port string) string { return "0.0.0.0:" + port },
			kind: list{field: func(s *Settings) *[]string { return &s.Bind }, item: address, want: "host:port, [v6]:port, :port, unix:PATH or fd://N", commas: true, least: 1},
			help: "Listen on host:port, unix:PATH or fd://N; may be repeated.",
			more: "A host without a port gets 8000; :port is all interfaces, 0.0.0.0:port those of IPv4, which is what $PORT means. fd://N is a listening socket that gowsgi inherits. Sockets that systemd passes ($LISTEN_FDS) take the place of all of them.",
		},
		{
			name: "backlog", group: groupListening, meta: "N", def: "2048",
			kind: number(func(s *Settings) *int { return &s.Backlog }, 1, math.MaxUint16),
			help: "Connections that may wait in the kernel to be accepted.",
			more: "The kernel caps it at net.core.somaxconn.",
		},
		{
			name: "umask", short: "m", group: groupListening, meta: "MASK",
			kind: umask(func(s *Settings) *string { return &s.Umask }),
			help: "Permissions to take away from the files and unix sockets that are made, in octal: 0007.",
			more: "Empty: that of whoever starts gowsgi, but everybody may connect to a unix socket, as with Gunicorn.",
		},
		{
			name: "reuse-port", group: groupListening, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.ReusePort }),
			help: "Let other programs listen on the same port (SO_REUSEPORT).",
		},
	}
}
