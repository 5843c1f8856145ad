package bundle

import (
	"debug/elf"
	"encoding/binary"
	"errors"
)

var order = binary.LittleEndian // of all machines that gowsgi runs on

// Fields of the ELF header and of a program header, 64 bits.
const (
	headerTable, headerEntry, headerCount = 32, 54, 56
	segmentOffset, segmentSize            = 8, 32
)

// loaderSegment is where the program header of an executable is that names its
// loader.
func loaderSegment(program []byte) (int, error) {
	if len(program) < 64 || string(program[:4]) != elf.ELFMAG || program[elf.EI_CLASS] != byte(elf.ELFCLASS64) {
		return 0, errors.New("bundle: no ELF executable of 64 bits")
	}
	at, size := int(order.Uint64(program[headerTable:])), int(order.Uint16(program[headerEntry:]))
	for range order.Uint16(program[headerCount:]) {
		if at < 0 || size < segmentSize+8 || at+size > len(program) {
			break
		}
		if elf.ProgType(order.Uint32(program[at:])) == elf.PT_INTERP {
			return at, nil
		}
		at += size
	}
	return 0, errors.New("bundle: an executable that names no loader")
}

// ForgetLoader makes an executable ready for a loader whose path will be known
// where it is unpacked: the path is to stand behind its last byte, from where the
// kernel reads it.
func ForgetLoader(program []byte) error {
	at, err := loaderSegment(program)
	if err != nil {
		return err
	}
	order.PutUint64(program[at+segmentOffset:], uint64(len(program)))
	order.PutUint64(program[at+segmentSize:], 0)
	return nil
}

// SetLoader returns the executable that has its loader at path.
func SetLoader(program []byte, path string) ([]byte, error) {
	at, err := loaderSegment(program)
	if err != nil {
		return nil, err
	}
	out := append(append(make([]byte, 0, len(program)+len(path)+1), program...), path...)
	out = append(out, 0)
	order.PutUint64(out[at+segmentSize:], uint64(len(path)+1))
	return out, nil
}
