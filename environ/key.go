package environ

import "strings"

// Key numbers an environ variable that most requests have. C interns their
// names once (Names) and finds them by number.
type Key uint16

// The CGI variables (RFC 3875, 4.1) and wsgi.* values that differ from request
// to request. What never differs is in embed's template dict.
const (
	named Key = iota // an entry that carries its own name
	RequestMethod
	ScriptName
	PathInfo
	QueryString
	RequestURI
	RawURI
	ServerProtocol
	ServerName
	ServerPort
	RemoteAddr
	RemotePort
	URLScheme
	ContentType
	ContentLength
	RequestID // gowsgi's name for the request
	AuthType
	RemoteUser
	firstHeader // HTTP_… from here on
)

var variables = [firstHeader]string{
	RequestMethod:  "REQUEST_METHOD",
	ScriptName:     "SCRIPT_NAME",
	PathInfo:       "PATH_INFO",
	QueryString:    "QUERY_STRING",
	RequestURI:     "REQUEST_URI",
	RawURI:         "RAW_URI",
	ServerProtocol: "SERVER_PROTOCOL",
	ServerName:     "SERVER_NAME",
	ServerPort:     "SERVER_PORT",
	RemoteAddr:     "REMOTE_ADDR",
	RemotePort:     "REMOTE_PORT",
	URLScheme:      "wsgi.url_scheme",
	ContentType:    "CONTENT_TYPE",
	ContentLength:  "CONTENT_LENGTH",
	RequestID:      "gowsgi.request_id",
	AuthType:       "AUTH_TYPE",
	RemoteUser:     "REMOTE_USER",
}

// headers are the request header fields that browsers, API clients and
// proxies commonly send.
var headers = [...]string{
	"Host", "Connection", "Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language",
	"Access-Control-Request-Headers", "Access-Control-Request-Method",
	"Authorization", "Cache-Control", "Cookie", "Date", "Dnt", "Expect", "Forwarded",
	"If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
	"Origin", "Pragma", "Priority", "Range", "Referer",
	"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform",
	"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User",
	"Te", "Traceparent", "Transfer-Encoding", "Upgrade", "Upgrade-Insecure-Requests",
	"User-Agent", "Via", "X-Csrftoken", "X-Forwarded-For", "X-Forwarded-Host",
	"X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-Ip", "X-Request-Id", "X-Requested-With",
}

// Names returns the environ names of all keys, indexed by Key; index 0 is
// empty.
func Names() []string {
	names := append([]string(nil), variables[:]...)
	for _, h := range headers {
		names = append(names, "HTTP_"+strings.ToUpper(strings.ReplaceAll(h, "-", "_")))
	}
	return names
}

// byHeader finds the key of a header field by its canonical name.
var byHeader = func() map[string]Key {
	m := map[string]Key{"Content-Type": ContentType, "Content-Length": ContentLength}
	for i, h := range headers {
		m[h] = firstHeader + Key(i)
	}
	return m
}()
