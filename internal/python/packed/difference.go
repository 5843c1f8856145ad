package packed

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A difference makes one executable out of another, the base. Workers for two
// CPythons are nearly the same: the same code in the same order, some of it moved,
// with other addresses in it. So it is, as bsdiff's, a sequence of parts:
//
//	where in the base, how many bytes are like it there, how many are new   uvarints
//	what is to be added to each byte of the base                            nearly all zeros
//	those that are new

const (
	block    = 16 // bytes that have to be the same for a place in the base to count as found
	patience = 64 // how many more bytes may differ than agree before a part ends
)

// part: target[begin:end] is like the base at from.
type part struct{ from, begin, end int }

// difference makes target out of base.
func difference(base, target []byte) []byte {
	places := make(map[[block]byte]int, len(base)/block)
	for at := 0; at+block <= len(base); at += block {
		places[[block]byte(base[at:])] = at
	}
	var out []byte
	var p part
	for at := 0; at+block <= len(target); {
		from := at + p.from - p.begin // what was moved, was moved with what is beside it
		if from < 0 || from > len(base)-block || !bytes.Equal(base[from:from+block], target[at:at+block]) {
			known := false
			if from, known = places[[block]byte(target[at:])]; !known {
				at++
				continue
			}
		}
		for at > p.end && from > 0 && base[from-1] == target[at-1] {
			at, from = at-1, from-1
		}
		out = p.append(out, base, target, at)
		p = part{from, at, at + alike(base[from:], target[at:])}
		at = p.end
	}
	return p.append(out, base, target, len(target))
}

// append writes the part, and as new what follows up to next.
func (p part) append(out, base, target []byte, next int) []byte {
	for _, number := range []int{p.from, p.end - p.begin, next - p.end} {
		out = binary.AppendUvarint(out, uint64(number))
	}
	for i, b := range target[p.begin:p.end] {
		out = append(out, b-base[p.from+i])
	}
	return append(out, target[p.end:next]...)
}

// alike is how many bytes go on being alike.
func alike(base, target []byte) int {
	length, score, best := 0, 0, 0
	for i := range min(len(base), len(target)) {
		if base[i] == target[i] {
			score++
		} else {
			score--
		}
		if score > best {
			length, best = i+1, score
		}
		if score < best-patience {
			break
		}
	}
	return length
}

// restore is what a difference makes out of a base.
func restore(base, difference []byte) ([]byte, error) {
	var out []byte
	for len(difference) > 0 {
		var numbers [3]int
		for i := range numbers {
			number, size := binary.Uvarint(difference)
			if size <= 0 || number > uint64(max(len(base), len(difference))) {
				return nil, fmt.Errorf("%w: it is no difference", ErrDamaged)
			}
			numbers[i], difference = int(number), difference[size:]
		}
		from, like, fresh := numbers[0], numbers[1], numbers[2]
		if from+like > len(base) || like+fresh > len(difference) {
			return nil, fmt.Errorf("%w: it is the difference to another one", ErrDamaged)
		}
		for i, b := range difference[:like] {
			out = append(out, base[from+i]+b)
		}
		out = append(out, difference[like:like+fresh]...)
		difference = difference[like+fresh:]
	}
	return out, nil
}
