package server

import (
	"math"

	"golang.org/x/sys/unix"
)

// maxConnections is the setting, or less if the process may not have that many
// open files; a part of them is left to the application.
func maxConnections(setting int) int {
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil || files.Cur > math.MaxInt32 {
		return setting
	}
	return min(setting, connectionsOf(int(files.Cur)))
}

// connectionsOf is how many of the open files may be connections.
func connectionsOf(files int) int {
	const least = 64
	return max(1, files-max(files/8, min(files/2, least)))
}
