package server

import (
	"math"

	"golang.org/x/sys/unix"
)

// maxConnections is the setting, or less if the process may not have that many
// open files; a part of them is left to the application.
func maxConnections(setting int) int {
	return min(setting, connectionsOf(openFiles()))
}

// spoolFiles is how many temporary files there may be: half of what connections
// leave, so that the application has the rest.
func spoolFiles(maxConnections int) int {
	files := openFiles()
	return max(1, (files-min(maxConnections, connectionsOf(files)))/2)
}

// openFiles is how many files the process may have open.
func openFiles() int {
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil || files.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(files.Cur)
}

// connectionsOf is how many of the open files may be connections.
func connectionsOf(files int) int {
	const least = 64
	return max(1, files-max(files/8, min(files/2, least)))
}
