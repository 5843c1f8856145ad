package supervisor

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestBacklogIsThatOfTheSettings(t *testing.T) {
	for _, backlog := range []int{1, 7, 100} {
		l, err := listen("127.0.0.1:0", backlog)
		if err != nil {
			t.Fatal(err)
		}
		defer l.close()
		// For a listening socket, Linux shows its queue's length here.
		info, err := unix.GetsockoptTCPInfo(int(l.file.Fd()), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			t.Skip(err)
		}
		if info.Sacked != uint32(backlog) {
			t.Errorf("the queue holds %d connections, want %d", info.Sacked, backlog)
		}
	}
}
