// Package elfedit changes ELF files of 64 bits, little endian, as bundles need
// them: smaller, and finding their libraries where they are unpacked. It knows
// as much of the format as that takes, and refuses what it does not expect.
package elfedit

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// ErrShape is what files that cannot be changed in this way end with.
var ErrShape = errors.New("elfedit: an ELF file of another shape")

var order = binary.LittleEndian

const (
	fileHeaderSize    = 64
	segmentHeaderSize = 56
	sectionHeaderSize = 64
)

// Is tells whether data is an ELF file that can be changed here.
func Is(data []byte) bool {
	return len(data) >= fileHeaderSize && string(data[:4]) == elf.ELFMAG &&
		data[elf.EI_CLASS] == byte(elf.ELFCLASS64) && data[elf.EI_DATA] == byte(elf.ELFDATA2LSB)
}

// file is an ELF file, taken apart.
type file struct {
	data     []byte
	header   elf.Header64
	segments []elf.Prog64
	sections []elf.Section64
}

func parse(data []byte) (*file, error) {
	f := &file{data: data}
	if !Is(data) {
		return nil, ErrShape
	}
	if err := f.read(0, &f.header); err != nil {
		return nil, err
	}
	h := f.header
	if h.Phentsize != segmentHeaderSize || h.Shnum > 0 && h.Shentsize != sectionHeaderSize {
		return nil, ErrShape
	}
	f.segments = make([]elf.Prog64, h.Phnum)
	f.sections = make([]elf.Section64, h.Shnum)
	if err := f.read(h.Phoff, f.segments); err != nil {
		return nil, err
	}
	if h.Shnum > 0 {
		if err := f.read(h.Shoff, f.sections); err != nil {
			return nil, err
		}
	}
	for _, s := range f.segments {
		if s.Off > uint64(len(data)) || s.Filesz > uint64(len(data))-s.Off {
			return nil, ErrShape
		}
	}
	return f, nil
}

func (f *file) read(at uint64, value any) error {
	if at > uint64(len(f.data)) {
		return ErrShape
	}
	if _, err := binary.Decode(f.data[at:], order, value); err != nil {
		return ErrShape
	}
	return nil
}

// write writes headers back, into data that has room for them.
func write(data []byte, at uint64, value any) {
	if _, err := binary.Encode(data[at:], order, value); err != nil {
		panic("elfedit: " + err.Error()) // who calls has made the room
	}
}

func alignUp(n, align uint64) uint64 {
	align = max(align, 1)
	return (n + align - 1) / align * align
}

// loadedEnd is where the part of the file ends that programs are made of.
func (f *file) loadedEnd() uint64 {
	end := f.header.Phoff + uint64(len(f.segments))*segmentHeaderSize
	for _, s := range f.segments {
		end = max(end, s.Off+s.Filesz)
	}
	return end
}

// name is a section's.
func (f *file) name(s elf.Section64) string {
	names := f.sections[f.header.Shstrndx]
	at := names.Off + uint64(s.Name)
	if at >= uint64(len(f.data)) {
		return ""
	}
	text, _, _ := bytes.Cut(f.data[at:], []byte{0})
	return string(text)
}

// StripDebug returns the file without what only a debugger reads of the source
// (.debug_…). The names of functions stay.
func StripDebug(data []byte) ([]byte, error) {
	return without(data, func(name string) bool {
		return strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, ".zdebug_")
	})
}

// StripSymbols is StripDebug for a program that nobody links with: those names go,
// too, that the loader does not need.
func StripSymbols(data []byte) ([]byte, error) {
	return without(data, func(name string) bool {
		return strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, ".zdebug_") || name == ".symtab" || name == ".strtab"
	})
}

// without returns the file without sections that are behind what is loaded.
func without(data []byte, dropped func(name string) bool) ([]byte, error) {
	f, err := parse(data)
	if err != nil {
		return nil, err
	}
	if len(f.sections) == 0 || int(f.header.Shstrndx) >= len(f.sections) {
		return data, nil
	}
	end := f.loadedEnd()
	var kept []int // sections that lie behind
	for i := range f.sections {
		s := &f.sections[i]
		behind := s.Off >= end && elf.SectionType(s.Type) != elf.SHT_NOBITS && s.Size > 0
		if behind && (s.Off > uint64(len(data)) || s.Size > uint64(len(data))-s.Off) {
			return nil, ErrShape
		}
		if dropped(f.name(*s)) {
			// The section's number stays taken: symbols go by numbers.
			*s = elf.Section64{Name: s.Name, Type: uint32(elf.SHT_NULL)}
		} else if behind {
			kept = append(kept, i)
		}
	}
	slices.SortStableFunc(kept, func(a, b int) int { return cmp.Compare(f.sections[a].Off, f.sections[b].Off) })
	out := bytes.Clone(data[:end])
	pad := func(align uint64) {
		out = append(out, make([]byte, alignUp(uint64(len(out)), align)-uint64(len(out)))...)
	}
	for _, i := range kept {
		s := &f.sections[i]
		pad(s.Addralign)
		content := data[s.Off : s.Off+s.Size]
		s.Off = uint64(len(out))
		out = append(out, content...)
	}
	pad(8)
	f.header.Shoff = uint64(len(out))
	out = append(out, make([]byte, len(f.sections)*sectionHeaderSize)...)
	write(out, f.header.Shoff, f.sections)
	write(out, 0, f.header)
	if len(out) >= len(data) {
		return data, nil
	}
	return out, nil
}
