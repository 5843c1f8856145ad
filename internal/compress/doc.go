// Package compress encodes responses for those clients that want it: which responses,
// with which content coding (RFC 9110, 8.4), what that changes in their fields, and
// the encoders.
//
//	accept.go  what a client takes
//	choice.go  which responses are encoded, and their fields
//	stream.go  the encoders
//
// Both codings need memory for what came before, so no client is to hold an encoder
// for nothing: a body that is there as a whole is encoded at once, before its client
// gets to see any of it, and of those that are not there may be only so many that
// have one (mostStreams). All beyond that go out as they are.
package compress
