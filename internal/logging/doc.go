// Package logging is the server log as both programs write it: log/slog, on
// standard error, appended to a file, or sent to syslog.
//
// As text, a record is one line in the format of slog's own TextHandler,
// key=value. A terminal has it as people read it (screen.go): time, level, message
// first, then the rest, with colours. Coloured handlers were looked at
// (lmittmann/tint, v1.2.1) and not taken: on a terminal it hands escape
// sequences inside values through, and a server logs values that strangers
// choose, such as the path of a request. Ours spells them out.
//
// What TextHandler cannot do is a value of several lines: it turns a traceback
// into one line full of \n. New's handler takes such values out of the record
// and writes them as they are, indented, below the record's line: what explains
// comes first. A message of several lines goes on there. Indented,
// because a record then is the only thing that starts in the first column, and
// no value can pass itself off as one.
//
// As JSON, a record is one object on one line, tracebacks and all.
//
// Supervisor and workers write to the same file without knowing of each other,
// so a record and its block go out in one write(2), and files are opened with
// O_APPEND. A File can be opened anew when it was moved away.
//
// systemd's journal and syslog take lines: a record with a block is several
// entries there, each with the record's priority and without a time of ours.
//
// For syslog, the standard library's client is used. It is frozen, but does
// what is needed once it cannot make anybody wait (see Syslog).
// hashicorp/go-syslog (v1.0.1) adds deadlines, but sends to any local socket
// but /dev/log what only goes over a network, and a record is still waited
// for; leodido/go-syslog (v4.5.0) is a parser; RackSec/srslog has had no commit
// since 2019.
package logging
