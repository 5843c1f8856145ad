package server

// advise tells the operator, through the supervisor, something that holds for
// the whole deployment, and not again while this worker lives: workers come and
// go, so who has told it already is known to the supervisor alone. subject is one
// of a fixed set, never a client's text: each is remembered.
func (x *exchange) advise(event, subject, message string) {
	h := x.h
	if h.hooks.Advise == nil {
		return
	}
	if _, again := h.advised.LoadOrStore(event+" "+subject, true); !again {
		go h.hooks.Advise(event, subject, x.uri, message) // a supervisor that is busy is no reason to wait
	}
}
