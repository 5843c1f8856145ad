package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// accessRows say who may send requests, and how many.
func accessRows() []setting {
	const want = "an IP address, a network such as 10.0.0.0/8, unix, or *"
	return []setting{
		{
			name: "allow", group: groupAccess, meta: "IPS",
			kind: list{field: func(s *Settings) *[]string { return &s.Allow }, item: neighbour, want: want, commas: true},
			help: "Answer only these clients: addresses, networks, unix for a unix socket. Others get a 403.",
			more: "Of all networks that a client is in, the smallest decides.",
		},
		{
			name: "deny", group: groupAccess, meta: "IPS",
			kind: list{field: func(s *Settings) *[]string { return &s.Deny }, item: neighbour, want: want, commas: true},
			help: "Answer these clients with a 403.",
			more: "A network that stands in allow as well is denied.",
		},
		{
			name: "limit-rate", group: groupAccess, meta: "RATE",
			kind: checkedText{
				field: func(s *Settings) *string { return &s.LimitRate }, want: wantRate,
				check: func(text string) error { _, err := ParseRate(text); return err },
			},
			help: "Let each client send so many requests, 10/s, 600/m or 5000/h. Others get a 429.",
			more: "All workers count together. A client is an address, of IPv6 a network of 64 bits.",
		},
		{
			name: "limit-rate-burst", group: groupAccess, meta: "N", def: "0",
			kind: number(func(s *Settings) *int { return &s.LimitRateBurst }, 0, 1_000_000),
			help: "And so many of them at once; 0: as many as in ten seconds.",
		},
		{
			name: "limit-rate-by", group: groupAccess, meta: "NAME",
			kind: fieldName(func(s *Settings) *string { return &s.LimitRateBy }),
			help: "Count by this field of the request, which a trusted proxy sets, in the place of the address.",
			more: "From others than forwarded_allow_ips, and without the field, it is the address that counts.",
		},
		{
			name: "basic-auth", group: groupAccess, meta: "FILE",
			kind: path(func(s *Settings) *string { return &s.BasicAuth }, "a file, as one line of text"),
			help: "Ask for a name and a password of this file, made with htpasswd -B.",
			more: "The application finds the name in REMOTE_USER, and no Authorization. A changed file is read anew. Workers read it, as their user.",
		},
		{
			name: "basic-auth-realm", group: groupAccess, meta: "TEXT", def: "restricted",
			kind: textThat(func(s *Settings) *string { return &s.BasicAuthRealm }, `printable ASCII without " and \`, func(text string) bool {
				return !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' })
			}),
			help: "What browsers say the password is for.",
		},
	}
}

const wantRate = "a number of requests in a second, a minute or an hour, such as 10/s, 600/m or 5000/h, or empty"

// neighbour is an item of allow and deny.
func neighbour(item string) (string, error) {
	if item == "unix" {
		return item, nil
	}
	if _, err := peer(item); err != nil {
		return "", errors.New("must be an IP address, a network such as 10.0.0.0/8, unix, or *")
	}
	return item, nil
}

// mostRate is the most that limit_rate can be in its unit.
const mostRate = 1_000_000

// ParseRate is the time that a request is worth; 0 for no limit.
func ParseRate(text string) (interval time.Duration, err error) {
	if text == "" {
		return 0, nil
	}
	number, unit, found := strings.Cut(text, "/")
	in := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	if !found {
		in = time.Second
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || n == 0 || n > mostRate || in == 0 {
		return 0, errors.New("must be " + wantRate + ", not " + shown(text))
	}
	return in / time.Duration(n), nil
}

func (l *loader) checkAccess() {
	s := &l.settings
	if s.LimitRate == "" && !l.refused["limit_rate"] {
		for key, is := range map[string]bool{"limit_rate_burst": s.LimitRateBurst > 0, "limit_rate_by": s.LimitRateBy != ""} {
			if is {
				l.complain(l.origin[key], key, "limits nothing, since limit_rate is empty; set that, too, or leave this out")
			}
		}
	}
	if len(s.Allow) > 1 && slices.Contains(s.Allow, everyPeer) {
		l.complain(l.origin["allow"], "allow", "* allows every address, the others say that only some are allowed; leave out one or the other")
	}
}
