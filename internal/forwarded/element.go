package forwarded

import "strings"

// readElements reads Forwarded (RFC 7239): of its elements the one in which a proxy
// of ours tells of the client. What the other fields have said must be the same.
func (r *Reader) readElements(said *Said, peer Address, protoSaid bool, lines []string) (why string) {
	all, ok := elements(lines)
	if !ok {
		return "Forwarded is none (RFC 7239): have the proxy set it, or leave forwarded out of forwarded_fields"
	}
	var furthest hop
	named := false
	var first part // of the proxies: the client's
	for i := len(all) - 1; i >= 0; i-- {
		first = all[i]
		h, known := readNode(first.node)
		if known {
			furthest, named = h, true
		}
		if !known || !r.passes(h) {
			break
		}
	}
	client := furthest.client(peer, named)
	switch {
	case named && said.Named && client.Host != said.Client.Host:
		return "Forwarded and X-Forwarded-For contradict each other: have the proxy set one and drop the other"
	case named && (!said.Named || said.Client.Port == ""):
		said.Client, said.Named = client, true
	}
	if proto := strings.ToLower(first.proto); proto == "http" || proto == "https" {
		if protoSaid && proto != said.Scheme {
			return "Forwarded and X-Forwarded-Proto contradict each other: have the proxy set one and drop the other"
		}
		said.Scheme = proto
	}
	if first.host != "" {
		switch {
		case !isAuthority(first.host):
			return "the host of Forwarded is none: have the proxy set it, or leave forwarded out of forwarded_fields"
		case said.Host != "" && !strings.EqualFold(said.Host, first.host):
			return "Forwarded and X-Forwarded-Host contradict each other: have the proxy set one and drop the other"
		}
		said.Host = first.host
	}
	return ""
}

// part is what an element says, as far as it is read.
type part struct{ node, proto, host string }

// elements reads all lines. false: one is not as RFC 7239, 4 has it. It is more
// lenient only with values that should stand in quotes (for=[::1]:80).
func elements(lines []string) (all []part, ok bool) {
	for _, line := range lines {
		rest := line
		for {
			var p part
			var end byte
			if p, rest, end, ok = readElement(rest); !ok {
				return nil, false
			}
			if p != (part{}) {
				all = append(all, p)
			}
			if end == 0 {
				break
			}
		}
	}
	return all, true
}

// readElement reads pairs up to a comma or the end; end is 0 there.
func readElement(text string) (p part, rest string, end byte, ok bool) {
	for {
		text = strings.TrimLeft(text, " \t")
		if name, value, after, is := readPair(text); is {
			place := map[string]*string{"for": &p.node, "proto": &p.proto, "host": &p.host}[strings.ToLower(name)]
			if place != nil {
				if *place != "" {
					return p, "", 0, false // twice in an element
				}
				*place = value
			}
			text = strings.TrimLeft(after, " \t")
		}
		switch {
		case text == "":
			return p, "", 0, true
		case text[0] == ',':
			return p, text[1:], ',', true
		case text[0] == ';':
			text = text[1:]
		default:
			return p, "", 0, false
		}
	}
}

// readPair reads name=value. false: none begins here.
func readPair(text string) (name, value, rest string, ok bool) {
	size := 0
	for size < len(text) && isToken(text[size]) {
		size++
	}
	if size == 0 || size == len(text) || text[size] != '=' {
		return "", "", text, false
	}
	name, text = text[:size], text[size+1:]
	if !strings.HasPrefix(text, `"`) {
		size = 0
		for size < len(text) && text[size] > ' ' && strings.IndexByte(`,;"\`, text[size]) < 0 {
			size++
		}
		return name, text[:size], text[size:], true
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return name, b.String(), text[i+1:], true
		case '\\':
			if i++; i == len(text) {
				return "", "", text, false
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", text, false // it does not end
}

// isToken: RFC 9110, 5.6.2.
func isToken(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 }
