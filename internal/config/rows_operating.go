package config

import "time"

// operatingRows say who can ask a gowsgi what it does, and where.
func operatingRows() []setting {
	return []setting{
		{
			name: "control", group: groupOperating, meta: "unix:PATH",
			kind: controlAddress(func(s *Settings) *string { return &s.Control }),
			help: "Where gowsgi status, stacks, reload and stop reach this gowsgi; off for nowhere.",
			more: "Empty: beside the pid file, as site.control beside site.pid, or under the process id in $XDG_RUNTIME_DIR/gowsgi or /run/gowsgi. Only the user who starts gowsgi can connect.",
		},
		{
			name: "metrics", group: groupOperating, meta: "ADDRESS",
			kind: hostAndPort(func(s *Settings) *string { return &s.Metrics }),
			help: "Answer GET /metrics for Prometheus on host:port.",
			more: "Also /-/live and /-/ready. Everybody who can connect is answered.",
		},
		{
			name: "metrics-path", group: groupOperating, meta: "PATH",
			kind: mountPath(func(s *Settings) *string { return &s.MetricsPath }),
			help: "Answer this path, such as /metrics, with the same instead of the application.",
		},
		{
			name: "metrics-allow-ips", group: groupOperating, meta: "IPS", def: "127.0.0.1,::1",
			kind: list{field: func(s *Settings) *[]string { return &s.MetricsAllowIPs }, item: peer, want: "an IP address, a network such as 10.0.0.0/8, or *", commas: true},
			help: "Who may read metrics_path: addresses, networks, or * for all.",
			more: "It is the other end of the connection that counts. A request that a proxy has passed on, and that says so (X-Forwarded-For, Forwarded, Via, X-Real-IP), is never answered; a proxy on the list that does not say so lets everybody in. Nobody on a unix socket is answered but with *.",
		},
		{
			name: "statsd-host", group: groupOperating, meta: "ADDRESS",
			kind: statsdAddress(func(s *Settings) *string { return &s.StatsdHost }),
			help: "Send what is counted to statsd at host:port or unix:PATH, under Gunicorn's names.",
			more: "Once a second; see docs/metrics.md.",
		},
		{
			name: "statsd-prefix", group: groupOperating, meta: "PREFIX",
			kind: text(func(s *Settings) *string { return &s.StatsdPrefix }, "one line of text"),
			help: "Put this in front of the names in statsd.",
		},
		{
			name: "dogstatsd-tags", group: groupOperating, meta: "TAGS",
			kind: text(func(s *Settings) *string { return &s.DogstatsdTags }, "one line of text"),
			help: "Tags for Datadog's statsd, with commas between them.",
		},
		{
			name: "health-path", group: groupOperating, meta: "PATH",
			kind: mountPath(func(s *Settings) *string { return &s.HealthPath }),
			help: "Answer PATH/live and PATH/ready for load balancers, without Python.",
			more: "With /-, /-/ready is a 503 when gowsgi is about to stop, the worker drains, or its queue is full.",
		},
		{
			name: "shutdown-delay", group: groupOperating, meta: "SECONDS", def: "0",
			kind: duration(func(s *Settings) *time.Duration { return &s.ShutdownDelay }, 0, 24*time.Hour),
			help: "Serve on for so long after SIGTERM, while PATH/ready says 503.",
			more: "A load balancer needs that time to notice. graceful_timeout begins after it.",
		},
		{
			name: "request-id-header", group: groupOperating, meta: "NAME",
			kind: fieldName(func(s *Settings) *string { return &s.RequestIDHeader }),
			help: "Name the request in this field of its response, such as X-Request-ID.",
			more: "The application finds the name in environ, as gowsgi.request_id, and the log has it anyway. A field of that name that the application sets stays.",
		},
		{
			name: "traceparent", group: groupOperating, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.Traceparent }),
			help: "Give a request that has no traceparent, or a wrong one, one of its own.",
			more: "Then the application's and gowsgi's log have the same trace. It says that the trace is sampled.",
		},
		{
			name: "server-timing", group: groupOperating, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.ServerTiming }),
			help: "Tell clients in Server-Timing how long a request waited and was inside Python.",
		},
	}
}
