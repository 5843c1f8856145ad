package listen

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestBacklogIsThatOfTheSettings(t *testing.T) {
	var have []*Listener
	for _, backlog := range []int{1, 7, 100, 3} {
		o := options("127.0.0.1:0")
		o.Backlog = backlog
		all, _, err := Open(o, have)
		if err != nil {
			t.Fatal(err)
		}
		if have == nil {
			defer all[0].Close()
		}
		have = all
		// For a listening socket, Linux shows its queue's length here.
		info, err := unix.GetsockoptTCPInfo(int(all[0].File().Fd()), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			t.Skip(err)
		}
		if info.Sacked != uint32(backlog) {
			t.Errorf("the queue holds %d connections, want %d", info.Sacked, backlog)
		}
	}
}
