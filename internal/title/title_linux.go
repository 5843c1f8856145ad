package title

import (
	"bytes"
	"os"
	"strconv"
	"unsafe"
)

// commandLine is the memory of the command line and the environment behind it,
// and how much of that is the command line.
func commandLine() (memory []byte, least int) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil || len(os.Args) == 0 || os.Args[0] == "" {
		return nil, 0
	}
	// The name before may hold anything, also spaces and parentheses.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const first = 3 // number of the first field, in proc_pid_stat(5)
	address := func(number int) uintptr {
		if number-first >= len(fields) {
			return 0
		}
		n, _ := strconv.ParseUint(string(fields[number-first]), 10, 64)
		return uintptr(n)
	}
	start, end, environ, environEnd := address(48), address(49), address(50), address(51)
	args := unsafe.StringData(os.Args[0])
	if start == 0 || uintptr(unsafe.Pointer(args)) != start || end <= start {
		return nil, 0 // somebody has been here before
	}
	if environ == end && environEnd > environ {
		environ = environEnd
	} else {
		environ = end
	}
	// SAFETY: the kernel says that the strings of the command line, and right
	// behind them those of the environment, lie from start to there, on the
	// stack of the first thread, which is writable and stays. Nothing in Go
	// refers to the environment there, and Take copies the arguments.
	return unsafe.Slice(args, environ-start), int(end - start)
}

// setName names the process and not, as prctl would, the thread that is running.
func setName(name string) {
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0) // it has a name already
}
