package exchange

import "strings"

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

// advisePassedOver tells the operator that a trusted proxy sends a field that does
// not reach the application, being one with an underscore, in the hope that it is
// believed. Only well-known ones are named: a client may have sent the others.
func (x *exchange) advisePassedOver(field string) {
	switch field {
	case "Script_name", "Path_info", "Remote_user", "Remote_addr":
	default:
		return
	}
	if x.h.forwarded.Peers().Trusts(x.peer.Host) {
		x.advise("proxy.passed_over", strings.ToUpper(field),
			"a header field of the proxy is passed over, because one with an underscore could pass for another: "+
				"have the proxy send it with a dash, or use --mount for SCRIPT_NAME")
	}
}
