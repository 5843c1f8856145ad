package metrics

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gowsgi/gowsgi/internal/tally"
)

// kind is a type of Prometheus.
type kind string

const (
	counter   kind = "counter"
	gauge     kind = "gauge"
	histogram kind = "histogram"
)

// family is a metric with all its labels. A counter's name is without _total.
type family struct {
	name string
	kind kind
	help string
	// write writes its samples.
	write func(s *Snapshot, w *writer)
}

// families are all of them, in the order in which they are written.
func families() []family {
	return []family{
		{"gowsgi_info", gauge, "1, with the versions of gowsgi and Python as labels.", func(s *Snapshot, w *writer) {
			w.sample("", 1, "version", s.Version, "python", s.Python)
		}},
		{"gowsgi_start_time_seconds", gauge, "When this gowsgi was started, as Unix time.", func(s *Snapshot, w *writer) {
			w.sample("", s.Started)
		}},
		{"gowsgi_ready", gauge, "1 if a worker serves and gowsgi is not about to stop.", func(s *Snapshot, w *writer) {
			w.sample("", truth(s.Ready))
		}},
		{"gowsgi_requests", counter, "Requests that are over, by mount, method and class of status (none: the client had no answer).", requests},
		{"gowsgi_request_body_bytes", counter, "Bytes of request bodies that were read.", perMount(func(f *tally.Figures) uint64 { return f.RequestBytes })},
		{"gowsgi_response_body_bytes", counter, "Bytes of response bodies that were written.", perMount(func(f *tally.Figures) uint64 { return f.ResponseBytes })},
		{"gowsgi_request_seconds", histogram, "From a request's head to the end of its response.", times(func(f *tally.Figures) *tally.Histogram { return &f.Total })},
		{"gowsgi_request_queue_seconds", histogram, "How long requests waited for a Python thread.", times(func(f *tally.Figures) *tally.Histogram { return &f.Queue })},
		{"gowsgi_request_python_seconds", histogram, "How long requests were inside Python.", times(func(f *tally.Figures) *tally.Histogram { return &f.Python })},
		{"gowsgi_request_gil_wait_seconds", histogram, "How long a thread that had taken a request waited for the GIL before it began.", times(func(f *tally.Figures) *tally.Histogram { return &f.GIL })},
		{"gowsgi_requests_refused", counter, "Requests that gowsgi answered itself, by reason.", func(s *Snapshot, w *writer) {
			total := total(s)
			for i, reason := range tally.Refusals {
				w.sample("", float64(total.Refused[i]), "reason", reason)
			}
		}},
		{"gowsgi_requests_timed_out", counter, "Requests that took too long, by where.", func(s *Snapshot, w *writer) {
			total := total(s)
			for i, where := range tally.Timeouts {
				w.sample("", float64(total.TimedOut[i]), "where", where)
			}
		}},
		{"gowsgi_access_log_lost_lines", counter, "Lines of the access log that could not be written.", func(s *Snapshot, w *writer) {
			w.sample("", float64(total(s).LostLines))
		}},
		{"gowsgi_tls_handshakes", counter, "Handshakes of TLS, by how they went: full, resumed, failed.", func(s *Snapshot, w *writer) {
			total := total(s)
			for i, result := range tally.Handshakes {
				w.sample("", float64(total.Handshakes[i]), "result", result)
			}
		}},
		{"gowsgi_certificate_expiry_seconds", gauge, "When the certificate for a name expires, as Unix time.", func(s *Snapshot, w *writer) {
			for _, name := range slices.Sorted(maps.Keys(s.Certificates)) {
				w.sample("", float64(s.Certificates[name].Unix()), "name", name)
			}
		}},
		{"gowsgi_log_events", counter, "Records of the log, by event (docs/events.md).", byName("event", func(s *Snapshot) map[string]uint64 { return s.Sum.Events })},
		{"gowsgi_worker_starts", counter, "Worker processes that were started.", func(s *Snapshot, w *writer) { w.sample("", float64(s.WorkerStarts)) }},
		{"gowsgi_worker_ends", counter, "Worker processes that have ended, by cause: replaced, stopped, died, failed (before it served).", byName("cause", func(s *Snapshot) map[string]uint64 { return s.WorkerEnds })},
		{"gowsgi_reloads", counter, "Reloads, by outcome: done, failed.", byName("outcome", func(s *Snapshot) map[string]uint64 { return s.Reloads })},
		{"gowsgi_workers", gauge, "Worker processes, by what they do: starting, serving, draining.", phases},
		{"gowsgi_threads", gauge, "Python threads.", perWorker(func(n *tally.Now) float64 { return float64(n.Threads) })},
		{"gowsgi_threads_busy", gauge, "Python threads that run a request.", perWorker(func(n *tally.Now) float64 { return float64(n.Busy) })},
		{"gowsgi_threads_limit", gauge, "Python threads that may be inside Python at once.", perWorker(func(n *tally.Now) float64 { return float64(n.Limit) })},
		{"gowsgi_queue_length", gauge, "Requests that wait for a Python thread.", perWorker(func(n *tally.Now) float64 { return float64(n.Queued) })},
		{"gowsgi_gil_held_seconds", gauge, "For how long nobody has got the GIL although somebody asks for it.", perWorker(func(n *tally.Now) float64 { return time.Duration(n.Unanswered).Seconds() })},
		{"gowsgi_connections", gauge, "Open connections, by state: active ones have a request, idle ones wait for one.", connections},
		{"gowsgi_connections_tls", gauge, "Open connections that speak TLS.", perWorker(func(n *tally.Now) float64 { return float64(n.Secure) })},
		{"gowsgi_http2_connections", gauge, "Open connections that speak HTTP/2.", perWorker(func(n *tally.Now) float64 { return float64(n.HTTP2) })},
		{"gowsgi_http2_streams", gauge, "Requests that those connections have.", perWorker(func(n *tally.Now) float64 { return float64(n.Streams) })},
		{"gowsgi_worker_resident_bytes", gauge, "Resident memory of the worker process.", func(s *Snapshot, w *writer) {
			for _, worker := range s.Workers {
				w.sample("", float64(worker.Resident), "worker", strconv.Itoa(worker.Number))
			}
		}},
		{"gowsgi_nursery_resident_bytes", gauge, "Resident memory of the process that workers are forked from (--preload).", func(s *Snapshot, w *writer) {
			if s.Nursery > 0 {
				w.sample("", float64(s.Nursery))
			}
		}},
		{"gowsgi_goroutines", gauge, "Goroutines of the worker process.", perWorker(func(n *tally.Now) float64 { return float64(n.Goroutines) })},
		{"gowsgi_python_allocated_blocks", gauge, "Memory blocks that CPython's allocator has given out (sys.getallocatedblocks).", func(s *Snapshot, w *writer) {
			for _, worker := range s.Workers {
				if worker.Python != nil {
					w.sample("", float64(worker.Python.Blocks), "worker", strconv.Itoa(worker.Number))
				}
			}
		}},
		{"gowsgi_python_gc_collections", counter, "Runs of Python's garbage collector.", collector(0)},
		{"gowsgi_python_gc_collected", counter, "Objects that Python's garbage collector has freed.", collector(1)},
		{"gowsgi_python_gc_uncollectable", counter, "Objects that it could not free.", collector(2)},
	}
}

// Names are the names of all series, as they are asked for.
func Names() []string {
	var names []string
	for _, f := range families() {
		switch f.kind {
		case counter:
			names = append(names, f.name+"_total")
		case histogram:
			names = append(names, f.name+"_bucket", f.name+"_sum", f.name+"_count")
		case gauge:
			names = append(names, f.name)
		}
	}
	return names
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// total is the sum over all mounts.
func total(s *Snapshot) *tally.Figures {
	var total tally.Figures
	for _, f := range s.Sum.Mounts {
		total.Fold(f)
	}
	return &total
}

// mounts goes over the mounts, in order.
func mounts(s *Snapshot, do func(mount string, f *tally.Figures)) {
	for _, mount := range slices.Sorted(maps.Keys(s.Sum.Mounts)) {
		name := mount
		if name == "" {
			name = "/"
		}
		do(name, s.Sum.Mounts[mount])
	}
}

// requests leaves out the combinations that never were, but for the one that
// alarms wait for.
func requests(s *Snapshot, w *writer) {
	mounts(s, func(mount string, f *tally.Figures) {
		for m, method := range tally.Methods {
			for c, class := range tally.Classes {
				if n := f.Requests[m][c]; n > 0 || method == "GET" && (class == "2xx" || class == "5xx") {
					w.sample("", float64(n), "mount", mount, "method", method, "status", class)
				}
			}
		}
	})
}

func perMount(of func(*tally.Figures) uint64) func(*Snapshot, *writer) {
	return func(s *Snapshot, w *writer) {
		mounts(s, func(mount string, f *tally.Figures) { w.sample("", float64(of(f)), "mount", mount) })
	}
}

func times(of func(*tally.Figures) *tally.Histogram) func(*Snapshot, *writer) {
	return func(s *Snapshot, w *writer) {
		mounts(s, func(mount string, f *tally.Figures) {
			h, below := of(f), uint64(0)
			for i, bound := range tally.Bounds {
				below += h.Buckets[i]
				w.sample("_bucket", float64(below), "mount", mount, "le", float(bound.Seconds()))
			}
			below += h.Buckets[len(tally.Bounds)]
			w.sample("_bucket", float64(below), "mount", mount, "le", "+Inf")
			w.sample("_sum", time.Duration(h.Sum).Seconds(), "mount", mount)
			w.sample("_count", float64(below), "mount", mount)
		})
	}
}

func byName(label string, of func(*Snapshot) map[string]uint64) func(*Snapshot, *writer) {
	return func(s *Snapshot, w *writer) {
		counts := of(s)
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			w.sample("", float64(counts[name]), label, name)
		}
	}
}

func perWorker(of func(*tally.Now) float64) func(*Snapshot, *writer) {
	return func(s *Snapshot, w *writer) {
		for _, worker := range s.Workers {
			w.sample("", of(&worker.Now), "worker", strconv.Itoa(worker.Number))
		}
	}
}

func phases(s *Snapshot, w *writer) {
	counts := map[string]int{"starting": 0, "serving": 0, "draining": 0}
	for _, phase := range s.Phases {
		counts[phase]++
	}
	for _, phase := range slices.Sorted(maps.Keys(counts)) {
		w.sample("", float64(counts[phase]), "phase", phase)
	}
}

func connections(s *Snapshot, w *writer) {
	for _, worker := range s.Workers {
		number, n := strconv.Itoa(worker.Number), worker.Now
		w.sample("", float64(max(0, n.Connections-n.Idle)), "worker", number, "state", "active")
		w.sample("", float64(n.Idle), "worker", number, "state", "idle")
	}
}

func collector(what int) func(*Snapshot, *writer) {
	return func(s *Snapshot, w *writer) {
		for _, worker := range s.Workers {
			if worker.Python == nil {
				continue
			}
			for generation, of := range worker.Python.Collections {
				w.sample("", float64(of[what]), "worker", strconv.Itoa(worker.Number), "generation", strconv.Itoa(generation))
			}
		}
	}
}
