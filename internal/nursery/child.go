package nursery

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Process finds a worker that was forked from the nursery with process id from. It
// is this process's child by now, and the same user's: the application can speak for
// its nursery, and must not get hold of other processes by that, which gowsgi would
// end as if they were workers. Whether it is known already is for the caller to see.
func (f *Forked) Process(from int) (*os.Process, error) {
	process, err := os.FindProcess(f.PID) // from here on it means this very process
	if err != nil {
		return nil, err
	}
	worker, err := status(f.PID)
	if err == nil {
		var loader map[string]string
		// The application may have become somebody else while it was loaded.
		if loader, err = status(from); err == nil &&
			(worker["PPid"] != strconv.Itoa(os.Getpid()) || worker["Uid"] != loader["Uid"]) {
			err = fmt.Errorf("process %d is no worker of gowsgi's", f.PID)
		}
	}
	if err != nil {
		_ = process.Release()
		return nil, err
	}
	return process, nil
}

// status is the first word of each line of /proc/PID/status.
func status(pid int) (map[string]string, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, values, _ := strings.Cut(line, ":")
		fields[name], _, _ = strings.Cut(strings.TrimSpace(values), "\t")
	}
	return fields, nil
}

// Adopt makes this process the parent of what its children leave behind, which
// is how it comes by workers.
func Adopt() error { return adopt() }
