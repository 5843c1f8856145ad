package supervisor

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

func TestWhoSendsSIGKILL(t *testing.T) {
	for _, c := range []struct {
		before, now int64
		says        string
	}{
		{3, 4, "out of memory: "},
		{3, 3, "somebody's kill -9: "},
		{-1, 3, "out of memory, or somebody's"},
		{-1, -1, "out of memory, or somebody's"},
	} {
		if got := killer(c.before, c.now); !strings.HasPrefix(got, c.says) {
			t.Errorf("%d to %d: %q", c.before, c.now, got)
		}
	}
}

func TestEverySignalHasANameInTheCause(t *testing.T) {
	for number, name := range map[int]string{15: "SIGTERM", 10: "SIGUSR1", 34: "signal 34", 64: "signal 64"} {
		cmd := exec.Command("sh", "-c", fmt.Sprintf("kill -%d $$", number))
		_ = cmd.Run() // ProcessState says it better
		if got := cause(cmd.ProcessState, -1); got != "was killed by "+name {
			t.Errorf("signal %d: %q", number, got)
		}
	}
}
