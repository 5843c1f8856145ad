package http1

// What a handler may want to know of the connection: for the environ, and for
// the access log.

// Local is the connection's end here.
func (w *Writer) Local() (host, port string) { return w.conn.local.Host, w.conn.local.Port }

// Remote is the client's end.
func (w *Writer) Remote() (host, port string) { return w.conn.remote.Host, w.conn.remote.Port }

// RequestsBefore is how many requests the connection had before this one.
func (w *Writer) RequestsBefore() int { return int(w.conn.requests.Load()) - 1 }

// HeadSize is the size of the request's head in bytes.
func (w *Writer) HeadSize() int { return w.turn.size }

// HeadsOut is the size of the response's heads in bytes, interim ones included.
func (w *Writer) HeadsOut() int { return w.headSize }

// Closes tells whether the connection ends with this response. Known once it has
// begun.
func (w *Writer) Closes() bool { return !w.reuse }

// Presence tells whether the client has left (gone), or will at least send
// nothing more (finished). Until the handler returns, from any goroutine.
func (w *Writer) Presence() (gone, finished bool) { return w.conn.presence() }

// Keep says that the request and its Writer are looked at after the handler has
// returned: their memory is not used again.
func (w *Writer) Keep() { w.turn.kept = true }

// LeaveBody says that nobody reads what is left of the request's body. Before the
// response begins, its head can say that the connection ends, if it has to.
func (w *Writer) LeaveBody() { w.turn.body.close() }
