package exchange

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// noting is a wire that notes the read deadlines it is given.
type noting struct {
	Wire
	set []time.Time
}

func (d *noting) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// pieces is a body that comes in pieces.
type pieces struct {
	size int
	end  error
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.size == 0 {
		return 0, p.end
	}
	n := min(p.size, len(b), 1000)
	p.size -= n
	return n, nil
}

func (p *pieces) Close() error { return nil }

// What a client sent early on earns it time, but not to send nothing at all.
func TestUploadEarnsTimeAndLeavesNoDeadlineBehind(t *testing.T) {
	d := &noting{}
	u := &upload{ReadCloser: &pieces{size: 10_000, end: io.EOF}, wire: d, pace: pace{body: time.Minute, rate: 10}, spent: 30 * time.Second}
	began := time.Now()
	if n, err := io.Copy(io.Discard, u); n != 10_000 || err != nil || !u.ended.Load() {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if len(d.set) != 12 || !d.set[11].IsZero() {
		t.Fatalf("deadlines %v: one for each read, and none at the end", d.set)
	}
	if first := d.set[0].Sub(began); first < 29*time.Second || first > 31*time.Second {
		t.Errorf("the first deadline is after %v, of a minute of which half is spent", first)
	}
	for _, later := range d.set[1:11] {
		if after := later.Sub(began); after < time.Minute || after > 61*time.Second {
			t.Errorf("a deadline after %v", after)
		}
	}
	if u.isLate() {
		t.Error("it counts as late")
	}
}

func TestUploadThatIsCutIsLateOrNot(t *testing.T) {
	for name, late := range map[string]time.Duration{"late": time.Nanosecond, "interrupted": time.Minute} {
		u := &upload{ReadCloser: &pieces{end: os.ErrDeadlineExceeded}, wire: &noting{}, pace: pace{body: late, rate: 10}}
		if _, err := io.Copy(io.Discard, u); !errors.Is(err, os.ErrDeadlineExceeded) || u.isLate() != (name == "late") || u.ended.Load() {
			t.Errorf("%s: %v, late: %v", name, err, u.isLate())
		}
	}
}

func TestUploadWithoutTimeoutHasNoDeadline(t *testing.T) {
	d := &noting{}
	u := &upload{ReadCloser: io.NopCloser(strings.NewReader("abc")), wire: d}
	if n, err := io.Copy(io.Discard, u); n != 3 || err != nil || len(d.set) > 0 || !u.ended.Load() {
		t.Errorf("%d bytes, %v, deadlines %v", n, err, d.set)
	}
}

func TestAllowanceIsASecondForEachRateBytes(t *testing.T) {
	p := pace{rate: 500}
	for bytes, want := range map[int64]time.Duration{0: 0, 250: time.Second / 2, 5000: 10 * time.Second, 1 << 62: 1e18} {
		if got := p.allowance(bytes); got != want {
			t.Errorf("%d bytes are worth %v, want %v", bytes, got, want)
		}
	}
}
