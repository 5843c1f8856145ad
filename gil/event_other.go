//go:build !linux

package gil

import "os"

// eventPipe returns the descriptors through which C wakes the reader: both
// ends of a non-blocking pipe.
func eventPipe() (read, write *os.File, err error) { return os.Pipe() }
