package elfedit

import (
	"bytes"
	"cmp"
	"debug/elf"
	"slices"
)

// hole is a range of a file, whole pages of a segment, that is left out.
type hole struct{ from, to uint64 }

// Loaded returns what the kernel loads of a program: no symbols, no sections,
// nothing for debuggers, and of the byte strings without, which stand in it, no
// whole page. The program must not touch those.
func Loaded(data []byte, without [][]byte) ([]byte, error) {
	data = bytes.Clone(data)
	f, err := parse(data)
	if err != nil {
		return nil, err
	}
	holes := f.holes(without)
	// Go has the sections' headers, which go, behind those of the segments, of which
	// there will be more.
	if at, size := f.header.Shoff, uint64(len(f.sections))*sectionHeaderSize; at <= uint64(len(data)) && size <= uint64(len(data))-at {
		clear(data[at : at+size])
	}
	moved := func(at uint64) uint64 { // where a byte of the file goes
		shift := uint64(0)
		for _, h := range holes {
			if at >= h.to {
				shift += h.to - h.from
			}
		}
		return at - shift
	}
	var segments []elf.Prog64
	for _, s := range f.segments {
		if elf.ProgType(s.Type) != elf.PT_LOAD {
			s.Off = moved(s.Off)
			segments = append(segments, s)
			continue
		}
		for _, h := range holes {
			if h.from < s.Off || h.to > s.Off+s.Filesz {
				continue
			}
			part := s
			part.Filesz, part.Memsz = h.from-s.Off, h.from-s.Off
			part.Off = moved(s.Off)
			if part.Filesz > 0 {
				segments = append(segments, part)
			}
			cut := h.to - s.Off
			s.Off, s.Vaddr, s.Paddr, s.Filesz, s.Memsz = h.to, s.Vaddr+cut, s.Paddr+cut, s.Filesz-cut, s.Memsz-cut
		}
		s.Off = moved(s.Off)
		segments = append(segments, s)
	}
	table, end := f.header.Phoff, f.header.Phoff+uint64(len(segments))*segmentHeaderSize
	before := f.header.Phoff + uint64(len(f.segments))*segmentHeaderSize
	if end > uint64(len(data)) || end > before && len(bytes.Trim(data[before:end], "\x00")) > 0 {
		return nil, ErrShape // something follows the table
	}
	for i := range segments {
		if elf.ProgType(segments[i].Type) == elf.PT_PHDR {
			segments[i].Filesz, segments[i].Memsz = end-table, end-table
		}
	}
	out := make([]byte, 0, len(data))
	at := uint64(0)
	for _, h := range holes {
		out = append(out, data[at:h.from]...)
		at = h.to
	}
	out = append(out, data[at:max(at, f.loadedEnd())]...)
	h := f.header
	h.Phnum, h.Shoff, h.Shnum, h.Shstrndx = uint16(len(segments)), 0, 0, 0
	write(out, 0, h)
	write(out, table, segments)
	return out, nil
}

// holes are where those byte strings stand, in whole pages, in order.
func (f *file) holes(without [][]byte) []hole {
	var holes []hole
	for _, content := range without {
		at := bytes.Index(f.data, content)
		if at < 0 || len(content) == 0 {
			continue
		}
		from, to := uint64(at), uint64(at+len(content))
		for _, s := range f.segments {
			if elf.ProgType(s.Type) != elf.PT_LOAD || from < s.Off || to > s.Off+s.Filesz || s.Align == 0 {
				continue
			}
			// Pages are counted in memory, where the segment may begin within one.
			shift := s.Vaddr%s.Align - s.Off%s.Align
			h := hole{alignUp(from+shift, s.Align) - shift, (to+shift)/s.Align*s.Align - shift}
			if h.from < h.to {
				holes = append(holes, h)
			}
		}
	}
	slices.SortFunc(holes, func(a, b hole) int { return cmp.Compare(a.from, b.from) })
	return holes
}
