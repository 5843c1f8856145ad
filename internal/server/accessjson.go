package server

import (
	"encoding/json"
	"strconv"
	"time"
)

// jsonLine appends an object that describes the request. Fields with nothing to
// tell are left out: queue, python, gil and thread if it never got to Python.
func jsonLine(b []byte, x *exchange) []byte {
	b = append(b, `{"time":"`...)
	b = x.h.access.rfc.append(b, x.start)
	b = appendFraction(append(b, '.'), x.start.Nanosecond()/int(time.Millisecond), 3)
	b = append(x.h.access.zone.append(b, x.start), '"')
	b = appendField(b, "client", x.client.host)
	b = appendField(b, "method", x.r.Method)
	b = appendField(b, "uri", x.uri)
	b = appendField(b, "protocol", x.r.Proto)
	b = appendField(b, "host", x.r.Host)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(x.status), 10)
	b = strconv.AppendInt(append(b, `,"bytes_in":`...), x.bytesIn(), 10)
	b = strconv.AppendInt(append(b, `,"bytes_out":`...), x.written, 10)
	b = appendSeconds(append(b, `,"duration":`...), x.took)
	if x.ran {
		queued, inside := x.req.Times()
		b = appendSeconds(append(b, `,"queue":`...), queued)
		b = appendSeconds(append(b, `,"python":`...), inside)
		b = appendSeconds(append(b, `,"gil":`...), x.req.GILWait())
	}
	b = append(b, x.h.access.worker...)
	if x.ran {
		b = strconv.AppendInt(append(b, `,"thread":`...), int64(x.req.Thread()), 10)
	}
	if id := x.sentID(); id != "" {
		b = appendField(b, "request_id", id)
	} else {
		b = append(x.appendID(append(b, `,"request_id":"`...)), '"')
	}
	b = appendField(b, "referer", first(x.r.Header, "Referer"))
	b = appendField(b, "user_agent", first(x.r.Header, "User-Agent"))
	return append(b, '}')
}

// appendField appends a string, unless it is empty.
func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	for i := range len(value) {
		if unquotable[value[i]] {
			text, _ := json.Marshal(value) // strings have no errors; what is no UTF-8 becomes U+FFFD
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), value...), '"')
}
