package packed

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// edited is content as another build might have it: bytes changed, inserted, left
// out and moved.
func edited(random *rand.Rand, content []byte) []byte {
	out := bytes.Clone(content)
	for range random.IntN(20) {
		at, length := random.IntN(len(out)+1), random.IntN(200)
		switch random.IntN(4) {
		case 0:
			for i := at; i < min(at+length, len(out)); i += 1 + random.IntN(8) {
				out[i] += byte(random.IntN(256))
			}
		case 1:
			out = append(out[:at:at], append(noise(random, length), out[at:]...)...)
		case 2:
			out = append(out[:at:at], out[min(at+length, len(out)):]...)
		case 3:
			out = append(out[at:len(out):len(out)], out[:at]...)
		}
	}
	return out
}

func noise(random *rand.Rand, length int) []byte {
	out := make([]byte, length)
	for i := range out {
		out[i] = byte(random.IntN(1 + random.IntN(256)))
	}
	return out
}

func TestDifferenceMakesTheOneOutOfTheOther(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		base := noise(random, random.IntN(3000))
		target := edited(random, base)
		if got, err := restore(base, difference(base, target)); err != nil || !bytes.Equal(got, target) {
			t.Fatalf("%d bytes out of %d: %d, %v", len(target), len(base), len(got), err)
		}
	}
}

func TestDifferenceOfWhatIsNearlyTheSameIsSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	base := noise(random, 1<<20)
	target := append(noise(random, 100), edited(random, base)...)
	for i := 0; i < len(target); i += 50 { // as addresses in code
		target[i]++
	}
	var whole, different bytes.Buffer
	if err := errors.Join(Write(&whole, target), WriteDifference(&different, target, Base{"base", base})); err != nil {
		t.Fatal(err)
	}
	if different.Len() > whole.Len()/10 {
		t.Errorf("%d bytes, and the whole has %d", different.Len(), whole.Len())
	}
}

func TestDifferenceComesOutWholeOrNotAtAll(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	base := noise(random, 2000)
	target := edited(random, base)
	var file bytes.Buffer
	if err := WriteDifference(&file, target, Base{"base", base}); err != nil {
		t.Fatal(err)
	}
	read := func(file []byte, base []byte, err error) ([]byte, error) {
		_, content, openErr := Open(bytes.NewReader(file), func(string) ([]byte, error) { return base, err })
		if openErr != nil {
			return nil, openErr
		}
		return io.ReadAll(content)
	}
	if got, err := read(file.Bytes(), base, nil); err != nil || !bytes.Equal(got, target) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for _, other := range [][]byte{nil, base[:500], noise(random, 2000)} {
		if _, err := read(file.Bytes(), other, nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("another base of %d bytes: %v", len(other), err)
		}
	}
	if _, err := read(file.Bytes(), nil, io.ErrClosedPipe); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("no base: %v", err)
	}
	for i := 10; i < file.Len(); i++ {
		damaged := bytes.Clone(file.Bytes())
		damaged[i] ^= 0x10
		if got, err := read(damaged, base, nil); err == nil && !bytes.Equal(got, target) {
			t.Errorf("byte %d changed: another executable", i)
		}
	}
	for range 2000 { // what gzip would have found
		damaged := difference(base, target)
		damaged[random.IntN(len(damaged))] ^= byte(1 + random.IntN(255))
		_, _ = restore(base, damaged[:random.IntN(len(damaged)+1)])
	}
}
