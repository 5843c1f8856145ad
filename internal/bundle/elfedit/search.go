package elfedit

import (
	"bytes"
	"debug/elf"
	"strings"
)

// origin is how a search path says "where this file is".
const origin = "$ORIGIN"

// ignored is a tag of the dynamic section that nobody reads.
const ignored = elf.DT_LOOS

// dynamic are the entries of the dynamic section, and where they are.
func (f *file) dynamic() (entries []elf.Dyn64, at uint64, err error) {
	for _, s := range f.segments {
		if elf.ProgType(s.Type) != elf.PT_DYNAMIC {
			continue
		}
		entries = make([]elf.Dyn64, s.Filesz/16)
		if err := f.read(s.Off, entries); err != nil {
			return nil, 0, err
		}
		for i, e := range entries {
			if elf.DynTag(e.Tag) == elf.DT_NULL {
				entries = entries[:i]
				break
			}
		}
		return entries, s.Off, nil
	}
	return nil, 0, nil
}

// offset is where an address is in the file.
func (f *file) offset(address uint64) (uint64, bool) {
	for _, s := range f.segments {
		if elf.ProgType(s.Type) == elf.PT_LOAD && address >= s.Vaddr && address < s.Vaddr+s.Filesz {
			return address - s.Vaddr + s.Off, true
		}
	}
	return 0, false
}

// strings are those that the dynamic section refers to.
func (f *file) strings(entries []elf.Dyn64) ([]byte, error) {
	var address, size uint64
	for _, e := range entries {
		switch elf.DynTag(e.Tag) {
		case elf.DT_STRTAB:
			address = e.Val
		case elf.DT_STRSZ:
			size = e.Val
		}
	}
	at, ok := f.offset(address)
	if !ok || at > uint64(len(f.data)) || size > uint64(len(f.data))-at {
		return nil, ErrShape
	}
	return f.data[at : at+size], nil
}

// ForgetPaths returns the file without search paths that are of this machine.
// Those that count from the file stay, in the way in which those of the program
// count as well.
func ForgetPaths(data []byte) ([]byte, error) {
	f, err := parse(data)
	if err != nil {
		return nil, err
	}
	entries, at, err := f.dynamic()
	if err != nil || entries == nil {
		return data, err
	}
	texts, err := f.strings(entries)
	if err != nil {
		return nil, err
	}
	changed := false
	for i, e := range entries {
		tag := elf.DynTag(e.Tag)
		if tag != elf.DT_RUNPATH && tag != elf.DT_RPATH || e.Val >= uint64(len(texts)) {
			continue
		}
		text, _, _ := bytes.Cut(texts[e.Val:], []byte{0})
		entries[i].Tag = int64(elf.DT_RPATH) // the loader looks at those of the program, too
		for path := range strings.SplitSeq(string(text), ":") {
			if !strings.HasPrefix(path, origin) && !strings.HasPrefix(path, "${ORIGIN}") {
				entries[i].Tag = int64(ignored)
			}
		}
		changed = changed || entries[i].Tag != e.Tag
	}
	if !changed {
		return data, nil
	}
	out := bytes.Clone(data)
	write(out, at, entries)
	return out, nil
}

// SetPath returns the program that looks for its shared libraries, and theirs, in
// path first. The dynamic section and its strings get a segment of their own at
// the end, whose header takes the place of a note's.
func SetPath(data []byte, path string) ([]byte, error) {
	f, err := parse(data)
	if err != nil {
		return nil, err
	}
	old, _, err := f.dynamic()
	if err != nil {
		return nil, err
	}
	texts, err := f.strings(old)
	if err != nil {
		return nil, err
	}
	texts = append(append(bytes.Clone(texts), path...), 0)
	var memoryEnd, align uint64
	lastLoad, spare := -1, -1
	for i, s := range f.segments {
		switch elf.ProgType(s.Type) {
		case elf.PT_LOAD:
			lastLoad = i
			memoryEnd, align = max(memoryEnd, s.Vaddr+s.Memsz), max(align, s.Align)
		case elf.PT_NOTE:
			spare = i
		}
	}
	if spare < lastLoad || lastLoad < 0 || align == 0 { // segments are loaded in order
		return nil, ErrShape
	}
	at, address := alignUp(uint64(len(data)), align), alignUp(memoryEnd, align)
	var entries []elf.Dyn64
	for _, e := range old {
		if tag := elf.DynTag(e.Tag); tag != elf.DT_RPATH && tag != elf.DT_RUNPATH {
			entries = append(entries, e)
		}
	}
	entries = append(entries, elf.Dyn64{Tag: int64(elf.DT_RPATH), Val: uint64(len(texts) - len(path) - 1)})
	size := uint64(len(entries)+1) * 16 // and an entry that ends them
	for i := range entries {
		switch elf.DynTag(entries[i].Tag) {
		case elf.DT_STRTAB:
			entries[i].Val = address + size
		case elf.DT_STRSZ:
			entries[i].Val = uint64(len(texts))
		}
	}
	total := size + uint64(len(texts))
	for i := range f.segments {
		if s := &f.segments[i]; elf.ProgType(s.Type) == elf.PT_DYNAMIC {
			s.Off, s.Vaddr, s.Paddr, s.Filesz, s.Memsz = at, address, address, size, size
		}
	}
	f.segments[spare] = elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), // the loader writes to it, for debuggers
		Off: at, Vaddr: address, Paddr: address, Filesz: total, Memsz: total, Align: align,
	}
	for i := range f.sections {
		if s := &f.sections[i]; elf.SectionType(s.Type) == elf.SHT_DYNAMIC {
			s.Addr, s.Off, s.Size = address, at, size
		}
	}
	out := make([]byte, at+total)
	copy(out, data)
	write(out, at, entries)
	copy(out[at+size:], texts)
	write(out, f.header.Phoff, f.segments)
	if len(f.sections) > 0 {
		write(out, f.header.Shoff, f.sections)
	}
	return out, nil
}
