// Package logging is the server log as both programs write it: log/slog, one
// record a line, on standard error or appended to a file.
//
// The format is that of slog's own TextHandler, key=value, also on a terminal.
// Coloured handlers were looked at (lmittmann/tint, v1.2.1) and not taken: on a
// terminal it hands escape sequences inside values through, and a server logs
// values that strangers choose, such as the path of a request.
//
// What TextHandler cannot do is a value of several lines: it turns a traceback
// into one line full of \n. New's handler takes such values out of the record
// and writes them as they are, indented, before the record's line. Indented,
// because a record then is the only thing that starts in the first column, and
// no value can pass itself off as one.
//
// Supervisor and workers write to the same file without knowing of each other,
// so a record and its block go out in one write(2), and files are opened with
// O_APPEND.
package logging
