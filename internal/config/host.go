package config

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// everyHost is the word for all of them.
const everyHost = "*"

// hostName is the name of a host in its one spelling: lower case, without a port. A
// name with a dot in front is that and all below it, as in Django and nginx; one with *.
// in front is only those below it.
func hostName(item string) (string, error) {
	if err := noURL(item); err != nil {
		return "", err
	}
	name := strings.ToLower(item)
	if address, ok := strings.CutPrefix(name, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(address, "]"))
		if err != nil || !ip.Is6() || !strings.HasSuffix(address, "]") {
			return "", errors.New("must be an IPv6 address in brackets, without a port")
		}
		return name, nil
	}
	for _, c := range strings.TrimPrefix(name, "*") {
		switch {
		case c == ':':
			return "", errors.New("must be without a port: hosts are told apart by their names alone")
		case c > '~':
			return "", errors.New("must be in ASCII, as clients send it: xn--…")
		case (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("-._", c):
			return "", errors.New("must be a host name such as example.org or .example.org")
		}
	}
	if strings.Trim(name, "*.") == "" || name[0] == '*' && name[1] != '.' || strings.Contains(name, "..") || strings.HasSuffix(name, ".") {
		return "", errors.New("must be a host name such as example.org or .example.org")
	}
	return name, nil
}

// cutURL takes apart what people copy from a browser: scheme, host and path. The port is
// left out.
func cutURL(text string) (scheme, host, path string, is bool) {
	scheme, rest, is := strings.Cut(text, "://")
	if !is {
		return "", "", "", false
	}
	end := strings.IndexByte(rest+"/", '/')
	host, path = rest[:end], rest[end:]
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return scheme, host, path, true
}

// noURL refuses one in the place of a host.
func noURL(item string) error {
	scheme, host, _, is := cutURL(item)
	switch {
	case !is:
		return nil
	case host == "":
		return errors.New("must be a host name, without " + scheme + "://")
	}
	return errors.New("must be a host name, without " + scheme + "://; write " + host)
}

// allowedHost is hostName, or * for every host.
func allowedHost(item string) (string, error) {
	if item == everyHost {
		return item, nil
	}
	return hostName(item)
}

// hosts are the hosts of a mount.
func hosts(items []any) ([]string, error) {
	var names []string
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, errors.New("must be " + wantHosts)
		}
		name, err := hostName(text)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("must be " + wantHosts)
	}
	return names, nil
}

// checkHosts: * and names contradict each other.
func (l *loader) checkHosts() {
	if s := l.settings; len(s.AllowedHosts) > 1 && slices.Contains(s.AllowedHosts, everyHost) {
		l.complain(l.origin["allowed_hosts"], "allowed_hosts",
			"* allows every host, the others say that only some are allowed; leave out one or the other")
	}
}
