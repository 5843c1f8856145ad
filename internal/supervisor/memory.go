package supervisor

import (
	"bufio"
	"bytes"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// memories remembers for a while what is expensive to find out.
type memories struct {
	mu    sync.Mutex
	known map[int]memory
}

type memory struct {
	at  time.Time
	pss int64
}

// memoryAge is how old a PSS may be: the kernel looks at every page for it, and
// keeps the process from mapping memory meanwhile.
const memoryAge = 10 * time.Second

// proportional is the PSS of a process, as it was lately; 0 if it cannot be told.
func (m *memories) proportional(pid int) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.known[pid]; ok && time.Since(known.at) < memoryAge {
		return known.pss
	}
	maps.DeleteFunc(m.known, func(_ int, known memory) bool { return time.Since(known.at) >= memoryAge })
	if m.known == nil {
		m.known = map[int]memory{}
	}
	pss := proportionalMemory(pid)
	m.known[pid] = memory{time.Now(), pss}
	return pss
}

// proportionalMemory asks the kernel for it. That is allowed for processes of the
// same user, and to root.
func proportionalMemory(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if size, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(size, "kB")), 10, 64)
			if err == nil {
				return kib << 10
			}
		}
	}
	return 0
}
