// Package console is gowsgi's own client: gowsgi status, stacks, reload, stop,
// upgrade, workers, log-level and recycle. It asks a gowsgi that runs, over its
// control socket (package operator), and shows what that says to people.
//
// What comes from there may come from the outside, a request's target for one, so
// nothing of it reaches a terminal that could move its cursor.
package console
