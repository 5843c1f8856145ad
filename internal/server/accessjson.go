package server

import (
	"encoding/json"
	"strconv"
	"time"
)

// jsonLine appends an object that describes the request. Fields with nothing to
// tell are left out: queue, python, gil and thread if it never got to Python.
func jsonLine(b []byte, e *entry) []byte {
	b = append(b, `{"time":"`...)
	b = e.log.rfc.append(b, e.start)
	b = appendFraction(append(b, '.'), e.start.Nanosecond()/int(time.Millisecond), 3)
	b = append(e.log.zone.append(b, e.start), '"')
	b = appendField(b, "client", e.client.host)
	b = appendField(b, "method", e.r.Method)
	b = appendField(b, "uri", e.r.RequestURI)
	b = appendField(b, "protocol", e.r.Proto)
	b = appendField(b, "host", e.r.Host)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(e.status), 10)
	b = strconv.AppendInt(append(b, `,"bytes_in":`...), e.bytesIn(), 10)
	b = strconv.AppendInt(append(b, `,"bytes_out":`...), e.written, 10)
	b = appendSeconds(append(b, `,"duration":`...), e.took)
	if e.ran {
		queued, inside := e.req.Times()
		b = appendSeconds(append(b, `,"queue":`...), queued)
		b = appendSeconds(append(b, `,"python":`...), inside)
		b = appendSeconds(append(b, `,"gil":`...), e.req.GILWait())
	}
	b = append(b, e.log.worker...)
	if e.ran {
		b = strconv.AppendInt(append(b, `,"thread":`...), int64(e.req.Thread()), 10)
	}
	if id := e.sentID(); id != "" {
		b = appendField(b, "request_id", id)
	} else {
		b = append(e.appendID(append(b, `,"request_id":"`...)), '"')
	}
	b = appendField(b, "referer", first(e.r.Header, "Referer"))
	b = appendField(b, "user_agent", first(e.r.Header, "User-Agent"))
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
