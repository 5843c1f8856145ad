package static

import (
	"container/list"
	"sync"
)

// What is kept takes no more than this: of memory, and of names.
const (
	mostKept  = 16 << 20
	mostNames = 4096
)

type key struct {
	folder *folder
	name   string
}

// cache keeps what was seen of files, those that were asked for last.
type cache struct {
	mu    sync.Mutex
	names map[key]*list.Element
	order list.List // of *kept, the latest first
	size  int64
}

type kept struct {
	key   key
	entry *entry
	size  int64
}

func newCache() *cache { return &cache{names: map[key]*list.Element{}} }

// get is what is kept; nil: nothing.
func (c *cache) get(k key) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.names[k]
	if element == nil {
		return nil
	}
	c.order.MoveToFront(element)
	return element.Value.(*kept).entry
}

// put keeps an entry, and lets go of those that nobody has asked for longest.
func (c *cache) put(k key, e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(c.names[k])
	own := &kept{k, e, e.size()}
	c.names[k] = c.order.PushFront(own)
	c.size += own.size
	for c.size > mostKept || len(c.names) > mostNames {
		c.drop(c.order.Back())
	}
}

func (c *cache) remove(k key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(c.names[k])
}

// drop lets go of an entry; nil: of none. Lock: held.
func (c *cache) drop(element *list.Element) {
	if element == nil {
		return
	}
	own := c.order.Remove(element).(*kept)
	delete(c.names, own.key)
	c.size -= own.size
}
