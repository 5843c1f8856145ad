package config

import "time"

// loggingRows say what is logged where.
func loggingRows() []setting {
	return []setting{
		{
			name: "log-level", group: groupLogging, meta: "LEVEL", def: "info", gunicorn: "loglevel",
			kind: choice(func(s *Settings) *string { return &s.LogLevel }, LogLevels()...),
			help: "Least serious records to log: debug, info, warning, error or critical.",
		},
		{
			name: "log-format", group: groupLogging, meta: "FORMAT", def: "text",
			kind: choice(func(s *Settings) *string { return &s.LogFormat }, "text", "json"),
			help: "The log as text or json.",
			more: "Text is prefixed with priorities when the log goes to systemd's journal.",
		},
		{
			name: "color", group: groupLogging, meta: "WHEN", def: "auto",
			kind: choice(func(s *Settings) *string { return &s.Color }, "auto", "always", "never"),
			help: "Colours in the log: auto, always or never.",
			more: "auto is on a terminal, unless $NO_COLOR is set. With always, a log that is no terminal is written as if it were one.",
		},
		{
			name: "error-logfile", aliases: []string{"log-file"}, group: groupLogging, meta: "FILE", def: "-", gunicorn: "errorlog",
			kind: filledPath(func(s *Settings) *string { return &s.ErrorLogfile }, "a file, as one line of text, or -"),
			help: "The log; - is standard error. --log-file is the same.",
		},
		{
			name: "access-logfile", group: groupLogging, meta: "FILE", gunicorn: "accesslog",
			kind: path(func(s *Settings) *string { return &s.AccessLogfile }, "a file, as one line of text"),
			help: "The access log; - is standard output, empty is none.",
		},
		{
			name: "access-logformat", group: groupLogging, meta: "FORMAT", def: combinedLog, gunicorn: "access_log_format",
			kind: accessFormat(func(s *Settings) *string { return &s.AccessLogformat }),
			help: "A line of the access log: json, combined, or text with Gunicorn's atoms, %(h)s, or Apache's, %h.",
			more: "The default is combined in Gunicorn's words. A line reaches the file within a tenth of a second.",
		},
		{
			name: "slow-request-threshold", group: groupLogging, meta: "SECONDS", def: "5",
			kind: duration(func(s *Settings) *time.Duration { return &s.SlowRequestThreshold }, 0, 24*time.Hour),
			help: "Log requests that are inside the application for this long, with the Python stack at that moment; 0: none.",
		},
		{
			name: "capture-output", group: groupLogging, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.CaptureOutput }),
			help: "Put what the application prints into the log, with its request.",
		},
		{
			name: "log-syslog", group: groupLogging, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.LogSyslog }),
			help: "Send the log to syslog instead.", gunicorn: "syslog",
		},
		{
			name: "log-syslog-to", group: groupLogging, meta: "ADDRESS", def: "unix:///dev/log", gunicorn: "syslog_addr",
			kind: syslogAddress(func(s *Settings) *string { return &s.LogSyslogTo }),
			help: "Where syslog listens: unix://PATH, udp://HOST:PORT or tcp://HOST:PORT.",
		},
		{
			name: "log-syslog-facility", group: groupLogging, meta: "FACILITY", def: "user", gunicorn: "syslog_facility",
			kind: choice(func(s *Settings) *string { return &s.LogSyslogFacility }, syslogFacilities...),
			help: "The facility that the records have in syslog.",
		},
	}
}

// identityRows say who the processes are.
func identityRows() []setting {
	return []setting{
		{
			name: "user", short: "u", group: groupIdentity, meta: "USER",
			kind: text(func(s *Settings) *string { return &s.User }, "a user's name or number"),
			help: "Run workers as this user; gowsgi itself keeps the rights to open ports and logs.",
		},
		{
			name: "group", short: "g", group: groupIdentity, meta: "GROUP",
			kind: text(func(s *Settings) *string { return &s.Group }, "a group's name or number"),
			help: "Run workers as this group; else the user's own.",
		},
		{
			name: "initgroups", group: groupIdentity, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.Initgroups }),
			help: "Give workers all groups that the user is a member of.",
		},
		{
			name: "name", short: "n", group: groupIdentity, meta: "NAME", gunicorn: "proc_name",
			kind: text(func(s *Settings) *string { return &s.Name }, "one line of text"),
			help: "How ps shows the processes; else the application.",
		},
		{
			name: "pid", short: "p", group: groupIdentity, meta: "FILE", gunicorn: "pidfile",
			kind: path(func(s *Settings) *string { return &s.Pid }, "a file, as one line of text"),
			help: "Write the process id to this file.",
		},
	}
}

// developmentRows are for the one who writes the application.
func developmentRows() []setting {
	return []setting{
		{
			name: "reload", group: groupDevelopment, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.Reload }),
			help: "Load the application anew when its code changes. For development.",
		},
		{
			name: "reload-extra-file", group: groupDevelopment, meta: "GLOB", gunicorn: "reload_extra_files",
			kind: list{field: func(s *Settings) *[]string { return &s.ReloadExtraFile }, item: somePath, want: "a file or a pattern such as conf/*.yaml"},
			help: "Reload when such a file changes, too; may be repeated.",
		},
		{
			name: "debug", group: groupDevelopment, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.Debug }),
			help: "One worker, one thread, no timeouts, and the terminal is the application's: for pdb.",
		},
	}
}
