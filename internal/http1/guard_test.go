package http1

import (
	"fmt"
	"sync"
	"syscall"
)

// guard is memory that ends where reading on is a fault: C that looks at one
// byte too many does not get away with it.
type guard struct {
	mu     sync.Mutex
	memory []byte
}

var behind guard

const guarded = 1 << 20

// hold copies text so that it ends at the end of what can be read, and passes it
// to use.
func (g *guard) hold(text string, use func(data []byte)) {
	if len(text) > guarded {
		use([]byte(text))
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.memory == nil {
		page := syscall.Getpagesize()
		memory, err := syscall.Mmap(-1, 0, guarded+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			panic(fmt.Sprintf("mmap: %v", err))
		}
		if err := syscall.Mprotect(memory[guarded:], syscall.PROT_NONE); err != nil {
			panic(fmt.Sprintf("mprotect: %v", err))
		}
		g.memory = memory[:guarded:guarded]
	}
	data := g.memory[guarded-len(text):]
	copy(data, text)
	use(data)
}
