package forwarded

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gowsgi/gowsgi/internal/proxies"
)

// Fields are what proxies are believed, by what it says.
type Fields uint8

// The names are those of the setting forwarded_fields.
const (
	For     Fields = 1 << iota // X-Forwarded-For
	Proto                      // X-Forwarded-Proto, -Protocol and -Ssl
	Host                       // X-Forwarded-Host
	Port                       // X-Forwarded-Port
	Prefix                     // X-Forwarded-Prefix
	Element                    // Forwarded
)

// ByName are the names of fields.
var ByName = map[string]Fields{"for": For, "proto": Proto, "host": Host, "port": Port, "prefix": Prefix, "forwarded": Element}

// Address is one end of a connection: Host is empty if it is a unix socket, Port
// if it is not known.
type Address struct{ Host, Port string }

// Said is what there is to know of a request once proxies have been heard.
type Said struct {
	Client Address // whoever has sent it, as far back as proxies are believed
	Scheme string  // http or https
	Host   string  // that the client asked for; empty: nobody has said
	Port   string  // that it asked; empty: nobody has said
	Prefix string  // "" or "/path", cut off the path
	Named  bool    // Client is not the peer
}

// Reader reads the fields.
type Reader struct {
	peers  *proxies.Proxies
	fields Fields
}

// NewReader makes one that believes these fields of these peers.
func NewReader(peers *proxies.Proxies, fields Fields) *Reader { return &Reader{peers, fields} }

// Parse makes Fields of their names.
func Parse(names []string) (fields Fields, err error) {
	for _, name := range names {
		field, known := ByName[name]
		if !known {
			return 0, fmt.Errorf("forwarded: there is no %q", name)
		}
		fields |= field
	}
	return fields, nil
}

// Fields are those that are believed.
func (r *Reader) Fields() Fields { return r.fields }

// Peers are those who are believed.
func (r *Reader) Peers() *proxies.Proxies { return r.peers }

// Read finds out what a request of that peer's is; scheme is that of the connection.
// why says what is wrong, for the operator, if the answer is to be a 400: what a
// trusted proxy says contradicts itself, or is nothing that it could mean. Then a
// client has probably said a part of it.
func (r *Reader) Read(peer Address, scheme string, h http.Header) (said Said, why string) {
	said = Said{Client: peer, Scheme: scheme}
	if !speaks(h) || !r.peers.Trusts(peer.Host) {
		return said, ""
	}
	if r.fields&For != 0 {
		said.Client, said.Named = r.client(peer, h[xFor])
	}
	protoSaid := false
	if r.fields&Proto != 0 {
		if said.Scheme, protoSaid, why = schemeOf(scheme, h); why != "" {
			return said, why
		}
	}
	if why = r.readPlace(&said, h); why != "" {
		return said, why
	}
	if values := h[element]; r.fields&Element != 0 && len(values) > 0 {
		why = r.readElements(&said, peer, protoSaid, values)
	}
	return said, why
}

// In canonical form.
const (
	xFor    = "X-Forwarded-For"
	xHost   = "X-Forwarded-Host"
	xPort   = "X-Forwarded-Port"
	xPrefix = "X-Forwarded-Prefix"
	element = "Forwarded"
	xRealIP = "X-Real-Ip"

	xBeginning = "X-Forwarded-"
)

// speaks tells whether a request has one of the fields that are read.
func speaks(h http.Header) bool {
	if h[xFor] != nil || h[element] != nil || h[xHost] != nil || h[xPort] != nil || h[xPrefix] != nil {
		return true
	}
	for i := range schemes {
		if h[schemes[i].field] != nil {
			return true
		}
	}
	return false
}

// IsField tells whether a field, its name in canonical form, speaks of whom a
// request was passed on for.
func IsField(name string) bool {
	return name == element || name == xRealIP || strings.HasPrefix(name, xBeginning)
}

// Text is what a request says of whom it was passed on for, for the log.
func Text(h http.Header) string {
	var fields []string
	for _, name := range inOrder(h) {
		for _, value := range h[name] {
			fields = append(fields, fmt.Sprintf("%s: %.100s", name, value))
		}
	}
	const most = 10
	if more := len(fields) - most; more > 0 {
		fields = append(fields[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(fields, ", ")
}
