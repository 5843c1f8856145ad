package config

import "math"

// limitRows say how large what may be.
func limitRows() []setting {
	return []setting{
		{
			name: "limit-request-line", group: groupLimits, meta: "SIZE", def: "4094",
			kind: size(func(s *Settings) *int { return &s.LimitRequestLine }, 0, 8190),
			help: "Longest request line; 0: no limit. A longer one gets a 414.",
		},
		{
			name: "limit-request-fields", group: groupLimits, meta: "N", def: "100",
			kind: number(func(s *Settings) *int { return &s.LimitRequestFields }, 1, 32768),
			help: "Most header fields in a request. One more gets a 431.",
		},
		{
			name: "limit-request-field_size", group: groupLimits, meta: "SIZE", def: "8190",
			kind: size(func(s *Settings) *int { return &s.LimitRequestFieldSize }, 0, mib),
			help: "Longest header field; 0: no limit. A longer one gets a 431.",
		},
		{
			name: "limit-request-head", group: groupLimits, meta: "SIZE", def: "64K",
			kind: size(func(s *Settings) *int { return &s.LimitRequestHead }, 1*kib, 16*mib),
			help: "Largest request line and header fields together. A larger head gets a 431.",
			more: "A client that has not sent all of its head holds no more memory than this.",
		},
		{
			name: "limit-request-body", group: groupLimits, meta: "SIZE", def: "0",
			kind: size(func(s *Settings) *int64 { return &s.LimitRequestBody }, 0, math.MaxInt64),
			help: "Largest request body; 0: no limit. A larger one gets a 413.",
		},
		{
			name: "request-buffer", group: groupLimits, meta: "SIZE", def: "1M",
			kind: size(func(s *Settings) *int { return &s.RequestBuffer }, 0, gib),
			help: "Read bodies up to this size into memory before a thread is taken.",
			more: "A larger body goes to a temporary file, see request-spool.",
		},
		{
			name: "request-memory", group: groupLimits, meta: "SIZE", def: "256M",
			kind: size(func(s *Settings) *int64 { return &s.RequestMemory }, 0, math.MaxInt64),
			help: "Most memory for bodies that are read ahead, in a worker. Beyond it they go to files at once.",
		},
		{
			name: "request-spool", group: groupLimits, meta: "SIZE", def: "1G",
			kind: size(func(s *Settings) *int64 { return &s.RequestSpool }, 0, math.MaxInt64),
			help: "Read larger bodies, up to this size, into a temporary file before a thread is taken; 0: none.",
			more: "A body that is larger still streams into wsgi.input while the application runs.",
		},
		{
			name: "response-buffer", group: groupLimits, meta: "SIZE", def: "1M",
			kind: size(func(s *Settings) *int { return &s.ResponseBuffer }, 4*kib, gib),
			help: "A response may run this far ahead of its client in memory.",
			more: "What it is ahead beyond that goes to a temporary file, see response-spool.",
		},
		{
			name: "response-spool", group: groupLimits, meta: "SIZE", def: "1G",
			kind: size(func(s *Settings) *int64 { return &s.ResponseSpool }, 0, math.MaxInt64),
			help: "A response may run this much further ahead of its client, in a temporary file; 0: not at all.",
			more: "Beyond that the application waits for its client, with its thread.",
		},
		{
			name: "spool-limit", group: groupLimits, meta: "SIZE", def: "10G",
			kind: size(func(s *Settings) *int64 { return &s.SpoolLimit }, 0, math.MaxInt64),
			help: "Largest size of all temporary files of a worker together; 0: no limit. What does not fit gets a 507.",
			more: "Whatever it is, a twentieth of the disk, or 1 GiB of it, is left to others.",
		},
		{
			name: "worker-tmp-dir", group: groupLimits, meta: "DIR",
			kind: path(func(s *Settings) *string { return &s.WorkerTmpDir }, "a directory, as one line of text"),
			help: "Where the temporary files are; else in $TMPDIR, or /tmp.",
			more: "They have no names, and are gone with the request. It should be on a disk: /dev/shm, which Gunicorn's documentation advises for the files that it keeps there, is taken for none.",
		},
	}
}
