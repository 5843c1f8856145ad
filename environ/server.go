package environ

import (
	"net"
	"strings"
)

// ServerOf makes SERVER_NAME and SERVER_PORT from what the client asked for,
// where the listener has neither.
func ServerOf(host, scheme string) (name, port string) {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), ""
	}
	if name == "" {
		name = "localhost"
	}
	if port == "" {
		port = "80"
		if scheme == "https" {
			port = "443"
		}
	}
	return name, port
}
