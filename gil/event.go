package gil

import "os"

// rawFD is f's descriptor, left in non-blocking mode (File.Fd would change
// that).
func rawFD(f *os.File) uintptr {
	var fd uintptr
	conn, err := f.SyscallConn()
	if err == nil {
		err = conn.Control(func(raw uintptr) { fd = raw })
	}
	if err != nil {
		panic("gil: " + err.Error()) // a file that was just opened
	}
	return fd
}
