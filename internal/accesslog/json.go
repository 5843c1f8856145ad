package accesslog

import (
	"encoding/json"
	"strconv"
	"time"
)

// jsonLine appends an object that describes the request. Fields with nothing to
// tell are left out: queue, python, gil and thread if it never got to Python.
func jsonLine(b []byte, e *Entry) []byte {
	b = append(b, `{"time":"`...)
	b = e.log.rfc.Append(b, e.Time)
	b = appendFraction(append(b, '.'), e.Time.Nanosecond()/int(time.Millisecond), 3)
	b = append(e.log.zone.Append(b, e.Time), '"')
	b = appendField(b, "client", e.Client.Host)
	b = appendField(b, "line", e.Line)
	b = appendField(b, "method", e.Method)
	b = appendField(b, "uri", e.URI)
	b = appendField(b, "protocol", e.Proto)
	b = appendField(b, "host", e.Host)
	b = appendField(b, "mount", e.Mount)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(e.Status), 10)
	b = strconv.AppendInt(append(b, `,"bytes_in":`...), e.BytesIn, 10)
	b = strconv.AppendInt(append(b, `,"bytes_out":`...), e.BytesOut, 10)
	b = appendSeconds(append(b, `,"duration":`...), e.Took)
	if e.Ran {
		b = appendSeconds(append(b, `,"queue":`...), e.Queued)
		b = appendSeconds(append(b, `,"python":`...), e.Inside)
		b = appendSeconds(append(b, `,"gil":`...), e.GIL)
	}
	b = append(b, e.log.worker...)
	if e.Ran {
		b = strconv.AppendInt(append(b, `,"thread":`...), int64(e.Thread), 10)
	}
	if e.ID != "" {
		b = appendField(b, "request_id", e.ID)
	} else if e.Named != nil {
		b = append(e.Named.AppendID(append(b, `,"request_id":"`...)), '"')
	}
	b = appendField(b, "referer", first(e.Header, "Referer"))
	b = appendField(b, "user_agent", first(e.Header, "User-Agent"))
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
