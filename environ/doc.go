// Package environ turns a request into a block: the flat bytes from which
// package embed builds the WSGI environ dict under the GIL.
//
// It is pure Go and knows no Python, so that what PEP 3333 and RFC 3875 ask of
// an environ can be tested (and fuzzed) here alone. A block crosses to C once,
// whole; C only walks it and never parses HTTP.
//
// A block is a sequence of entries, all integers little-endian:
//
//	uint16 key          a Key, or 0: the name follows
//	uint16 name length  0 unless key is 0
//	uint32 value length
//	name, value         bytes, not terminated
//
// Values are bytes as they were sent; embed decodes them as latin-1, which is
// how PEP 3333 ("Unicode Issues") carries bytes in str. A later entry with the
// same key replaces an earlier one.
package environ
