package config

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// defaultPort is what a host without a port gets, as in Gunicorn.
const defaultPort = "8000"

// longestSocketPath is what sockaddr_un holds on Linux, without its NUL; it
// is 103 on macOS, where the kernel has the last word.
const longestSocketPath = 107

// address is an item of bind. It takes Gunicorn's spellings (tcp://…,
// unix://…, a host alone) and returns host:port, unix:PATH or fd://N.
func address(item string) (string, error) {
	if !isPath(item) {
		return "", errors.New("must be a line of text")
	}
	if path, ok := strings.CutPrefix(item, "unix:"); ok {
		return socketAddress(strings.TrimPrefix(path, "//"))
	}
	if number, ok := strings.CutPrefix(item, "fd://"); ok {
		return descriptorAddress(number)
	}
	if !isLine(item) {
		return "", errors.New("must be a line of text")
	}
	item = strings.TrimPrefix(item, "tcp://")
	switch scheme, _, found := strings.Cut(item, "://"); {
	case found:
		return "", errors.New("there is no " + scheme + "://; write host:port, unix:PATH or fd://N")
	case item == "":
		return "", errors.New("must be host:port, :port or unix:PATH")
	case isDigits(item):
		return "", errors.New("is it a port? Write :" + item + " for all interfaces, 127.0.0.1:" + item + " for this machine")
	case strings.HasPrefix(item, "["):
		return v6Address(item)
	case strings.Count(item, ":") > 1:
		return "", errors.New("an IPv6 address stands in brackets: [::1]:" + defaultPort)
	}
	host, port, found := strings.Cut(item, ":")
	if !found {
		port = defaultPort
	}
	if strings.ContainsAny(host, " /@[]") {
		return "", errors.New("must be host:port; a socket's path is written unix:PATH")
	}
	return joinPort(host, port)
}

func socketAddress(path string) (string, error) {
	if path == "" {
		return "", errors.New("the path is missing; write unix:/run/app.sock")
	}
	if len(path) > longestSocketPath {
		return "", errors.New("a socket's path has at most " + strconv.Itoa(longestSocketPath) + " bytes")
	}
	return "unix:" + path, nil
}

// descriptorAddress is a listening socket that gowsgi inherits. Lower ones are
// the standard streams.
func descriptorAddress(number string) (string, error) {
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || !isDigits(number) || n < 3 {
		return "", errors.New("an inherited socket is written fd://3, with a number from 3 to 65535")
	}
	return "fd://" + strconv.FormatUint(n, 10), nil
}

func v6Address(item string) (string, error) {
	host, rest, closed := strings.Cut(item[1:], "]")
	if ip, err := netip.ParseAddr(host); !closed || err != nil || !ip.Is6() {
		return "", errors.New("must be [v6]:port, such as [::1]:" + defaultPort)
	}
	port, found := strings.CutPrefix(rest, ":")
	switch {
	case rest == "":
		port = defaultPort
	case !found:
		return "", errors.New("must be [v6]:port, such as [::1]:" + defaultPort)
	}
	return joinPort(host, port)
}

func joinPort(host, port string) (string, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || !isDigits(port) {
		return "", errors.New("the port must be a number from 0 to 65535")
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// everyPeer, alone in a list, trusts every address.
const everyPeer = "*"

// peer is an item of a list of peers.
func peer(item string) (string, error) {
	if item == everyPeer {
		return item, nil
	}
	if _, err := netip.ParsePrefix(item); err == nil {
		return item, nil
	}
	if ip, err := netip.ParseAddr(item); err == nil && ip.Zone() == "" {
		return item, nil
	}
	return "", errors.New("must be an IP address, a network such as 10.0.0.0/8, or *")
}
