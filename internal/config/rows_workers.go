package config

import (
	"math"
	"time"
)

// workerRows say how many there are of what.
func workerRows() []setting {
	return []setting{
		{
			name: "workers", short: "w", group: groupWorkers, meta: "N", def: "1", env: "WEB_CONCURRENCY",
			kind: number(func(s *Settings) *int { return &s.Workers }, 1, 512),
			help: "Worker processes, each with a CPython of its own.",
		},
		{
			name: "threads", group: groupWorkers, meta: "N", def: "8",
			kind: number(func(s *Settings) *int { return &s.Threads }, 1, 1024),
			help: "Python threads in each worker.",
			more: "This many requests can be inside the application at once; how many are is adapted to what they do.",
		},
		{
			name: "backlog-requests", group: groupWorkers, meta: "N", def: "1024",
			kind: number(func(s *Settings) *int { return &s.BacklogRequests }, 1, 1_000_000),
			help: "Requests that may wait for a thread in each worker; one more gets a 503.",
		},
		{
			name: "max-connections", group: groupWorkers, meta: "N", def: "16384",
			kind: number(func(s *Settings) *int { return &s.MaxConnections }, 1, 1_000_000),
			help: "Connections that each worker has at most.",
			more: "One more has the one closed that has been idle longest, or gets a 503 if none is idle. It is less if the worker may not have that many open files (RLIMIT_NOFILE): a part of them is left to the application.",
		},
		{
			name: "max-connections-per-address", group: groupWorkers, meta: "N", def: "0",
			kind: number(func(s *Settings) *int { return &s.MaxConnectionsPerAddress }, 0, 1_000_000),
			help: "Connections that each worker has at most with one client; 0: any number.",
			more: "One more gets a 503. IPv6 addresses count by their /64. Proxies of forwarded-allow-ips are no clients: they may have any number.",
		},
		{
			name: "preload", group: groupWorkers, def: "false", gunicorn: "preload_app",
			kind: onOff(func(s *Settings) *bool { return &s.Preload }),
			help: "Load the application once and fork the workers from there: they share its memory, and start at once.",
			more: "Linux only. What is opened while it is loaded is shared, too: gowsgi.on_worker_start is for opening it in each worker. See docs/memory.md.",
		},
		{
			name: "preload-threads", group: groupWorkers, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.PreloadThreads }),
			help: "Preload even an application that starts threads while it is loaded: no worker has them.",
		},
	}
}

// recyclingRows say when a worker is replaced, and how a new one starts.
func recyclingRows() []setting {
	return []setting{
		{
			name: "max-requests", group: groupRecycling, meta: "N", def: "0",
			kind: number(func(s *Settings) *int { return &s.MaxRequests }, 0, math.MaxInt32),
			help: "Replace a worker after so many requests; 0: never.",
			more: "As in all of these, the new worker serves before the old one stops.",
		},
		{
			name: "max-requests-jitter", group: groupRecycling, meta: "N", def: "0",
			kind: number(func(s *Settings) *int { return &s.MaxRequestsJitter }, 0, math.MaxInt32),
			help: "Add up to so many requests, at random, so that workers are not all replaced at once.",
		},
		{
			name: "max-lifetime", group: groupRecycling, meta: "SECONDS", def: "0",
			kind: duration(func(s *Settings) *time.Duration { return &s.MaxLifetime }, 0, 366*24*time.Hour),
			help: "Replace a worker that has served this long; 0: never.",
		},
		{
			name: "max-lifetime-jitter", group: groupRecycling, meta: "SECONDS", def: "0",
			kind: duration(func(s *Settings) *time.Duration { return &s.MaxLifetimeJitter }, 0, 366*24*time.Hour),
			help: "Add up to so much, at random, so that workers are not all replaced at once.",
		},
		{
			name: "max-worker-memory", group: groupRecycling, meta: "SIZE", def: "0",
			kind: size(func(s *Settings) *int64 { return &s.MaxWorkerMemory }, 0, math.MaxInt64),
			help: "Replace a worker whose resident memory is larger; 0: never.",
		},
		{
			name: "surplus-timeout", group: groupRecycling, meta: "SECONDS", def: "0",
			kind: duration(func(s *Settings) *time.Duration { return &s.SurplusTimeout }, 0, 24*time.Hour),
			help: "Stop a worker that SIGTTIN added once it has been idle this long; 0: keep it.",
		},
		{
			name: "start-limit", group: groupRecycling, meta: "N", def: "5",
			kind: number(func(s *Settings) *int { return &s.StartLimit }, 0, 1000),
			help: "Give up when a worker could not start so often in a row; 0: try for ever.",
			more: "Not while another worker serves, nor once the application has had a request: then it is tried for ever, ever more rarely.",
		},
		{
			name: "warmup", group: groupRecycling, meta: "URL",
			kind: requestTarget(func(s *Settings) *string { return &s.Warmup }),
			help: "Ask a new worker for this path, such as /healthz, before it serves.",
			more: "With http://host/path, that host is asked for. It has startup-timeout for it together with loading. An answer of 400 or above means that the worker cannot start.",
		},
	}
}

// timeoutRows say how long who has for what.
func timeoutRows() []setting {
	return []setting{
		{
			name: "timeout", short: "t", group: groupTimeouts, meta: "SECONDS", def: "30",
			kind: duration(func(s *Settings) *time.Duration { return &s.Timeout }, 0, 24*time.Hour),
			help: "The application may be silent this long in a request; 0: for ever.",
			more: "Then the client gets a 504, the log gets the Python stack, and the application gets a gowsgi.RequestTimeout. Each block of a response and each piece of a body that it reads starts the time anew; waiting for a slow client does not count.",
		},
		{
			name: "timeout-grace", group: groupTimeouts, meta: "SECONDS", def: "10",
			kind: duration(func(s *Settings) *time.Duration { return &s.TimeoutGrace }, 0, 24*time.Hour),
			help: "A request that timed out has this long to end, or its worker is replaced; 0: at once.",
		},
		{
			name: "queue-timeout", group: groupTimeouts, meta: "SECONDS", def: "30",
			kind: duration(func(s *Settings) *time.Duration { return &s.QueueTimeout }, 0, 24*time.Hour),
			help: "A request that has waited this long for a thread gets a 503; 0: it waits.",
		},
		{
			name: "header-timeout", group: groupTimeouts, meta: "SECONDS", def: "20",
			kind: duration(func(s *Settings) *time.Duration { return &s.HeaderTimeout }, time.Millisecond, time.Hour),
			help: "A client has this long to send its request line and headers.",
			more: "It cannot be switched off: such clients would collect until no connection is left.",
		},
		{
			name: "body-timeout", group: groupTimeouts, meta: "SECONDS", def: "20",
			kind: duration(func(s *Settings) *time.Duration { return &s.BodyTimeout }, 0, 24*time.Hour),
			help: "A client has this long to send its body, and a second more for each min-rate bytes; 0: for ever.",
		},
		{
			name: "write-timeout", group: groupTimeouts, meta: "SECONDS", def: "60",
			kind: duration(func(s *Settings) *time.Duration { return &s.WriteTimeout }, 0, 24*time.Hour),
			help: "A client has this long to take a block of a response, and a second more for each min-rate bytes; 0: for ever.",
		},
		{
			name: "min-rate", group: groupTimeouts, meta: "SIZE", def: "500",
			kind: size(func(s *Settings) *int { return &s.MinRate }, 1, gib),
			help: "Bytes per second that a client must manage.",
		},
		{
			name: "keep-alive", group: groupTimeouts, meta: "SECONDS", def: "75", gunicorn: "keepalive",
			kind: duration(func(s *Settings) *time.Duration { return &s.KeepAlive }, 0, 24*time.Hour),
			help: "Keep an idle connection open this long; 0 closes it after each response.",
			more: "An idle connection holds no thread, so this is nginx's value, not Gunicorn's 2. A load balancer in front should give up first: most do so after 60 s.",
		},
		{
			name: "graceful-timeout", group: groupTimeouts, meta: "SECONDS", def: "30",
			kind: duration(func(s *Settings) *time.Duration { return &s.GracefulTimeout }, 0, 24*time.Hour),
			help: "When stopping, running requests have this long to finish; 0: none.",
		},
		{
			name: "startup-timeout", group: groupTimeouts, meta: "SECONDS", def: "120",
			kind: duration(func(s *Settings) *time.Duration { return &s.StartupTimeout }, 0, 24*time.Hour),
			help: "A worker has this long to load the application; 0: for ever.",
		},
		{
			name: "deadlock-timeout", group: groupTimeouts, meta: "SECONDS", def: "60",
			kind: duration(func(s *Settings) *time.Duration { return &s.DeadlockTimeout }, 0, 24*time.Hour),
			help: "Replace a worker in which no thread could get the GIL for this long; 0: never.",
			more: "The stacks of all threads go to the log.",
		},
	}
}
