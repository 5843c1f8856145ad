// Package metrics writes what a gowsgi does and has done as Prometheus reads it:
// text of version 0.0.4, or OpenMetrics 1.0. What it is, is in package tally and
// with the supervisor; here is what it is called (docs/metrics.md).
//
// Counters are sums over all workers there were, so they fall only when gowsgi
// itself is started anew, which Prometheus expects. Gauges are of the workers
// that there are. What is Python's own (its collector's counts) has the worker's
// number, and begins anew with each worker.
//
// No library: the format is lines, and the official client brings a registry, its
// own counters and protobuf.
package metrics
