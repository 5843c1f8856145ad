// Package spool is where bodies wait that are too large for memory: files without
// a name in a folder for temporary ones. Nobody else can open them, nothing is left
// of them if the process dies, and processes that the application starts do not
// inherit them.
//
// What clients can have a server put on a disk is theirs to fill, so it is limited,
// all files together (spool_limit), and a part of the disk is left to everybody
// else whatever the limit is. Nothing is reserved in advance: what a client has
// announced it may never send. Descriptors are limited, too, since connections and
// the application need theirs.
//
//	spool.go  all files: what they may have
//	file.go   one of them
//	make.go   how it is made
package spool
