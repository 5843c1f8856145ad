// Package static answers requests with files, without the application. It knows
// HTTP's meaning and the file system, and neither exchanges nor connections: an
// Answer is a status, fields, and pieces of a file or of memory.
//
// A request's way through the files:
//
//	site.go        whose it is: a prefix's, the document root's, nobody's here
//	target.go      its path: decoded once, and only if it can name a file
//	top.go         what there is at the top of the document root
//	folder.go      a folder, and files opened beneath it
//	beneath.go     … so that no link leads out of it
//	entry.go       what is known of a file, for a second: itself and its siblings
//	cache.go       … and where that is kept
//	version.go     one of them: its validators and its fields
//	types.go       its media type
//	fingerprint.go whether its name changes with its content
//	encodings.go   which of them the client can read best
//	conditions.go  whether it has it already (RFC 9110, 13)
//	ranges.go      which parts of it are wanted (RFC 9110, 14)
//	answer.go      what goes out
//	listing.go     what is in a folder, if that may be said
//	internal.go    files that the application names: X-Sendfile, X-Accel-Redirect
//
// # What is kept, and for how long
//
// Of a file that was asked for, what the kernel says of it is believed for a second
// (validity). Its bytes are kept if they are few: then a request makes no system call
// but for its connection's. A larger one is opened for each request, and looked at
// again, so it never goes out under the validators of another.
//
// Times of files are as coarse as the kernel's clock, so a file that has just changed
// may change again without their showing it. Until it has rested for two seconds
// (settled), its bytes are read anew each time that it is looked at, and its ETag is a
// weak one (RFC 9110, 8.8.1).
//
// # net/http.ServeContent
//
// was considered. It answers 416 to units of ranges that it does not know, and 206 to
// a HEAD, where RFC 9110, 14.2, has both ignore the field; it takes any number of
// ranges, leaves Content-Length out of what is encoded, copies several ranges through
// a pipe, and goes on in silence when a file becomes shorter.
package static
