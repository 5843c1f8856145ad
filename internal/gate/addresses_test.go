package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/gowsgi/gowsgi/internal/rates"
)

func TestFromWhichAddressesRequestsMayCome(t *testing.T) {
	for _, test := range []struct{ allow, deny, in, out string }{
		{"", "10.0.0.0/8", "1.2.3.4 ::1 -", "10.0.0.1 ::ffff:10.1.2.3"},
		{"10.0.0.0/8", "", "10.0.0.1 ::ffff:10.1.2.3", "1.2.3.4 ::1 - nonsense"},
		{"10.0.0.0/8", "10.1.0.0/16", "10.0.0.1", "10.1.0.1 1.2.3.4"},
		{"10.1.1.1", "10.1.0.0/16", "10.1.1.1", "10.1.1.2 10.0.0.1"},
		{"10.0.0.0/8", "10.0.0.0/8", "", "10.0.0.1"},
		{"10.1.2.3/8", "", "10.9.9.9", "11.0.0.1"},
		{"*", "10.0.0.1", "10.0.0.2 ::1 -", "10.0.0.1"},
		{"10.0.0.1", "*", "10.0.0.1", "10.0.0.2 ::1 -"},
		{"unix", "", "-", "10.0.0.1"},
		{"", "unix", "10.0.0.1", "-"},
		{"unix", "unix", "", "-"},
		{"0.0.0.0/0", "", "10.0.0.1", "::1 -"},
		{"2001:db8::/32", "2001:db8:1::/48", "2001:db8::1 2001:db8:2::1%eth0", "2001:db8:1::1 ::1"},
		{"::ffff:10.0.0.0/104", "", "10.0.0.1", "11.0.0.1"},
	} {
		a, err := NewAddresses(strings.Fields(test.allow), strings.Fields(test.deny))
		if err != nil {
			t.Fatal(err)
		}
		for want, clients := range map[bool]string{true: test.in, false: test.out} {
			for _, client := range strings.Fields(clients) {
				if a.Enters(strings.Trim(client, "-")) != want {
					t.Errorf("allow %s, deny %s: %s enters: %v", test.allow, test.deny, client, !want)
				}
			}
		}
	}
	if none, err := NewAddresses(nil, nil); none != nil || err != nil || !none.Enters("10.0.0.1") || !none.Enters("") {
		t.Error("without any, somebody stays out")
	}
	if _, err := NewAddresses([]string{"example.org"}, nil); err == nil {
		t.Error("a name is an address")
	}
}

func TestUnderWhatClientsAreCounted(t *testing.T) {
	table, err := rates.New()
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	l := &Limiter{Table: table, Limit: rates.Limit{Interval: time.Hour, Burst: 1}}
	for i, test := range []struct {
		name, address string
		waits         bool
	}{
		{"", "192.0.2.1", false},
		{"", "::ffff:192.0.2.1", true},
		{"", "192.0.2.2", false},
		{"", "2001:db8::1", false},
		{"", "2001:db8::ffff:1", true},
		{"", "2001:db8:0:1::1", false},
		{"2001:db8::2%eth0", "", true},
		{"key", "192.0.2.1", false},
		{"key", "192.0.2.3", true},
		{"192.0.2.3", "", false},
		{"", "192.0.2.3", true},
		{"", "", false},
		{"", "", false},
	} {
		if wait, _ := l.Take(test.name, test.address); (wait > 0) != test.waits {
			t.Errorf("%d: %+v waits %v", i, test, wait)
		}
	}
}
